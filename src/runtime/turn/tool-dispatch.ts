import type { Tool, ToolContext } from '../../contract/tool.ts';
import { cutText } from '../../core/cut-text.ts';
import { isLashError, reasonText } from '../../core/error.ts';
import { findNonJson, type JsonValue } from '../../core/json.ts';
import type { ToolCallPart } from '../../core/message.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import { ABORTED, untilAborted } from '../abort.ts';
import type { SecretVault } from '../secrets.ts';

/** How much of an error's message a model is told, in characters: a failure must fit a commit (law ST13). */
const MAX_FAILURE_LENGTH = 4096;

/**
 * Runs one tool call to its outcome and never rejects: whatever goes wrong is a failure that the model sees (law TU9).
 * When the signal aborts, the outcome is `cancelled` at once; what a tool that does not obey brings later is dropped.
 * Arguments and result are copied, so that a tool that changes them later changes no history.
 */
export async function dispatchTool(
  call: ToolCallPart,
  tools: readonly Tool[],
  context: ToolContext,
  secrets: SecretVault,
): Promise<ToolOutcome> {
  const tool = tools.find(({ name }) => name === call.tool);
  if (tool === undefined) return failure('ToolNotFound', `There is no tool called ${call.tool}.`);
  const { signal } = context;
  const outcome = await untilAborted(runTool(tool, call, context), signal);
  return bounded(secrets.redactJson(outcome === ABORTED ? cancelled(signal) : outcome));
}

async function runTool(tool: Tool, call: ToolCallPart, context: ToolContext): Promise<ToolOutcome> {
  try {
    if (typeof call.args === 'string') {
      return failure('InvalidToolArguments', 'The arguments are not a JSON object.');
    }
    const checked = await tool.check(structuredClone(call.args));
    if (!checked.ok) return failure('InvalidToolArguments', `${checked.path}: ${checked.reason}`);
    if (context.signal.aborted) return cancelled(context.signal);
    const value = ((await tool.execute(checked.value, context)) as JsonValue | undefined) ?? null;
    const path = findNonJson(value);
    if (path !== undefined)
      return failure('ToolFailed', `The tool returned something that is not data at ${path}.`);
    return { status: 'success', value: structuredClone(value) };
  } catch (error) {
    return failure(isLashError(error) ? error.code : 'ToolFailed', reasonText(error));
  }
}

function failure(code: Extract<ToolOutcome, { status: 'failure' }>['code'], message: string): ToolOutcome {
  return { status: 'failure', code, message };
}

function cancelled(signal: AbortSignal): ToolOutcome {
  return { status: 'cancelled', message: reasonText(signal.reason) };
}

/** Whoever reads a message that was cut is told so. */
function bounded(outcome: ToolOutcome): ToolOutcome {
  if (outcome.status === 'success' || outcome.message.length <= MAX_FAILURE_LENGTH) return outcome;
  const { length } = outcome.message;
  return {
    ...outcome,
    message: `${cutText(outcome.message, MAX_FAILURE_LENGTH)}… (cut, ${length} characters)`,
  };
}
