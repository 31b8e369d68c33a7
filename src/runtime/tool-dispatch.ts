import type { Tool, ToolContext } from '../contract/tool.ts';
import { isLashError } from '../core/error.ts';
import { findNonJson, type JsonValue } from '../core/json.ts';
import type { ToolCallPart } from '../core/message.ts';
import type { ToolOutcome } from '../core/tool-call.ts';
import type { SecretVault } from './secrets.ts';

/**
 * Runs one tool call to its outcome and never rejects: whatever goes wrong is a failure that the model sees (law TU9).
 * When the signal aborts, the outcome is `cancelled` at once; what a tool that does not obey brings later is dropped.
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
  const aborted = new Promise<ToolOutcome>((resolve) => {
    const stop = (): void => resolve({ status: 'cancelled', message: reasonOf(signal) });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return secrets.redactJson(await Promise.race([aborted, runTool(tool, call, context)]));
}

async function runTool(tool: Tool, call: ToolCallPart, context: ToolContext): Promise<ToolOutcome> {
  try {
    if (typeof call.args === 'string') {
      return failure('InvalidToolArguments', 'The arguments are not valid JSON.');
    }
    const checked = await tool.check(call.args);
    if (!checked.ok) return failure('InvalidToolArguments', `${checked.path}: ${checked.reason}`);
    if (context.signal.aborted) return { status: 'cancelled', message: reasonOf(context.signal) };
    const value = ((await tool.execute(checked.value, context)) as JsonValue | undefined) ?? null;
    const path = findNonJson(value);
    if (path !== undefined) return failure('ToolFailed', `The tool returned something that is not data at ${path}.`);
    return { status: 'success', value };
  } catch (error) {
    if (context.signal.aborted) return { status: 'cancelled', message: reasonOf(context.signal) };
    if (isLashError(error)) return failure(error.code, error.message);
    return failure('ToolFailed', error instanceof Error ? error.message : String(error));
  }
}

function failure(code: Extract<ToolOutcome, { status: 'failure' }>['code'], message: string): ToolOutcome {
  return { status: 'failure', code, message };
}

function reasonOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason.message : String(reason);
}
