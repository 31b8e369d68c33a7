import type { Clock } from '../../contract/clock.ts';
import type { Tool, ToolContext } from '../../contract/tool.ts';
import { cutText } from '../../core/cut-text.ts';
import { isLashError, LashError, reasonText } from '../../core/error.ts';
import { findNonJson, type JsonValue } from '../../core/json.ts';
import type { ToolCallPart } from '../../core/message.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import { ABORTED, untilAborted } from '../abort.ts';
import type { SecretVault } from '../secrets.ts';

/** How much of an error's message a model is told, in characters: a failure must fit a commit (law ST13). */
const MAX_FAILURE_LENGTH = 4096;

/** A call that can run, with what its tool is given. */
export interface ReadyCall {
  readonly tool: Tool;
  readonly args: unknown;
}

/**
 * Checks a call before anything of it runs: it is ready, or its outcome is known already (law TU9). Never rejects. Arguments
 * are copied, so that a tool that changes them later changes no history.
 */
export async function readyCall(
  { tool: name, args }: ToolCallPart,
  tool: Tool | undefined,
): Promise<ReadyCall | ToolOutcome> {
  if (tool === undefined) return failure('ToolNotFound', `There is no tool called ${name}.`);
  if (typeof args === 'string')
    return failure('InvalidToolArguments', 'The arguments are not a JSON object.');
  try {
    const checked = await tool.check(structuredClone(args));
    if (!checked.ok) return failure('InvalidToolArguments', `${checked.path}: ${checked.reason}`);
    return { tool, args: checked.value };
  } catch (error) {
    return thrown(error);
  }
}

/** Whether somebody has to be asked before the call runs. An approval function that throws asks. */
export async function needsApproval({ tool, args }: ReadyCall): Promise<boolean> {
  const { approval = false } = tool;
  if (typeof approval === 'boolean') return approval;
  try {
    return await approval(args);
  } catch {
    return true;
  }
}

/**
 * Runs one call to its outcome and never rejects: whatever goes wrong is a failure that the model sees. When the signal
 * aborts, the outcome is `cancelled` at once; what a tool that does not obey brings later is dropped.
 */
export async function runCall(
  ready: ReadyCall,
  context: ToolContext,
  secrets: SecretVault,
  clock: Clock,
): Promise<ToolOutcome> {
  const { timeoutMs } = ready.tool;
  const over = new AbortController();
  const late = new AbortController();
  const signal = AbortSignal.any([context.signal, late.signal]);
  if (timeoutMs !== undefined) {
    clock.sleep(timeoutMs, over.signal).then(
      () => late.abort(new LashError('ToolTimeout', `It took longer than ${timeoutMs} ms`, nameOf(ready))),
      // The call was over first.
      () => undefined,
    );
  }
  try {
    const outcome = await untilAborted(execute(ready, { ...context, signal }), signal);
    return settled(outcome === ABORTED ? stopped(context.signal, signal) : outcome, secrets);
  } finally {
    over.abort();
  }
}

/** A failure as the model is told it. */
export function failure(
  code: Extract<ToolOutcome, { status: 'failure' }>['code'],
  message: string,
): ToolOutcome {
  return { status: 'failure', code, message };
}

/** An outcome without secrets (law SE1) whose words fit a commit. */
export function settled(outcome: ToolOutcome, secrets: SecretVault): ToolOutcome {
  return bounded(secrets.redactJson(outcome));
}

async function execute({ tool, args }: ReadyCall, context: ToolContext): Promise<ToolOutcome> {
  try {
    if (context.signal.aborted) return cancelled(context.signal);
    const value = ((await tool.execute(args, context)) as JsonValue | undefined) ?? null;
    const path = findNonJson(value);
    if (path !== undefined)
      return failure('ToolFailed', `The tool returned something that is not data at ${path}.`);
    return { status: 'success', value: structuredClone(value) };
  } catch (error) {
    return thrown(error);
  }
}

function thrown(error: unknown): ToolOutcome {
  return failure(isLashError(error) ? error.code : 'ToolFailed', reasonText(error));
}

function stopped(asked: AbortSignal, either: AbortSignal): ToolOutcome {
  return asked.aborted ? cancelled(asked) : thrown(either.reason);
}

function cancelled(signal: AbortSignal): ToolOutcome {
  return { status: 'cancelled', message: reasonText(signal.reason) };
}

function nameOf({ tool }: ReadyCall): { readonly tool: string } {
  return { tool: tool.name };
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
