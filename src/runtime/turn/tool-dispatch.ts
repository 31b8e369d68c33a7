import type { Clock } from '../../contract/clock.ts';
import type { Tool, ToolContext, ToolReturn } from '../../contract/tool.ts';
import { LashError, reasonText } from '../../core/error.ts';
import { findNonJson } from '../../core/json.ts';
import type { ToolCallPart } from '../../core/message.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import { isToolResult } from '../../core/tool-result.ts';
import { ABORTED, untilAborted } from '../abort.ts';
import type { OfferedTool } from '../model/offered-tools.ts';
import type { SecretVault } from '../secrets.ts';
import { boundedFailure, failure, failureOf } from './tool-failure-outcome.ts';

/** A call that can run, with what its tool is given. */
export interface ReadyCall {
  readonly tool: Tool;
  readonly args: unknown;
}

/** What bounds each function of a tool that is called: the turn that is stopped, and the tool's own time (rule TL6). */
export interface CallBounds {
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Checks a call before anything of it runs: it is ready, or its outcome is known already (law TU9). Never rejects. Arguments
 * are copied, so that a tool that changes them later changes no history.
 */
export async function readyCall(
  { tool: name, args }: ToolCallPart,
  tool: Tool | undefined,
  offered: OfferedTool | undefined,
  isOffered: (tool: Tool, offered: OfferedTool) => Promise<boolean>,
  bounds: CallBounds,
): Promise<ReadyCall | ToolOutcome> {
  if (tool === undefined) return failure('ToolNotFound', `There is no tool called ${name}.`);
  if (offered === undefined) return failure('ToolUnavailable', `The tool ${name} was not offered to you.`);
  if (typeof args === 'string')
    return failure('InvalidToolArguments', 'The arguments are not a JSON object.');
  try {
    return await bounded(tool, bounds, async () => {
      if (!(await isOffered(tool, offered)))
        return failure('ToolUnavailable', `The tool ${name} is not any more what you were offered.`);
      const checked = await tool.check(structuredClone(args));
      if (!checked.ok) return failure('InvalidToolArguments', `${checked.path}: ${checked.reason}`);
      return { tool, args: checked.value };
    });
  } catch (error) {
    return failureOf(error);
  }
}

/**
 * Whether somebody has to be asked before the call runs, or its outcome where the turn was stopped first. An approval
 * function that throws, or does not answer in time, asks.
 */
export async function needsApproval(
  { tool, args }: ReadyCall,
  bounds: CallBounds,
): Promise<boolean | ToolOutcome> {
  const { approval = false } = tool;
  if (typeof approval === 'boolean') return approval;
  try {
    const needed = await bounded(tool, bounds, async () => await approval(args));
    return typeof needed === 'boolean' || needed.status === 'cancelled' ? needed : true;
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
  const bounds = { signal: context.signal, clock };
  const run = async (signal: AbortSignal): Promise<ToolOutcome> =>
    await execute(ready, { ...context, signal });
  return settled(await bounded(ready.tool, bounds, run), secrets);
}

/** What `work` resolves with, or how the call ends that was stopped, or took too long, before that. */
async function bounded<T>(
  { name, timeoutMs }: Tool,
  { signal: asked, clock }: CallBounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | ToolOutcome> {
  if (asked.aborted) return cancelled(asked);
  const over = new AbortController();
  const late = new AbortController();
  const signal = AbortSignal.any([asked, late.signal]);
  if (timeoutMs !== undefined) {
    clock.sleep(timeoutMs, over.signal).then(
      () => late.abort(new LashError('ToolTimeout', `It took longer than ${timeoutMs} ms`, { tool: name })),
      // The call was over first.
      () => undefined,
    );
  }
  try {
    const done = await untilAborted(work(signal), signal);
    if (done !== ABORTED) return done;
    return asked.aborted ? cancelled(asked) : failureOf(signal.reason);
  } finally {
    over.abort();
  }
}

/** An outcome without secrets (law SE1) whose words fit a commit. */
export function settled(outcome: ToolOutcome, secrets: SecretVault): ToolOutcome {
  const clean = secrets.redactJson(outcome);
  return clean.status === 'success' ? clean : boundedFailure(clean);
}

async function execute({ tool, args }: ReadyCall, context: ToolContext): Promise<ToolOutcome> {
  try {
    return returned(await tool.execute(args, context));
  } catch (error) {
    return failureOf(error);
  }
}

/** What a tool returned as an outcome. A function that returns nothing has done what it should. */
function returned(result: ToolReturn = null): ToolOutcome {
  const { value, attachments = null } = isToolResult(result) ? result : { value: result };
  const path = findNonJson(value) ?? findNonJson(attachments, '$.attachments');
  if (path !== undefined)
    return failure('ToolFailed', `The tool returned something that is not data at ${path}.`);
  if (attachments === null) return { status: 'success', value: structuredClone(value) };
  const at = attachments.findIndex(({ id }) => typeof id !== 'string');
  if (at >= 0) return failure('ToolFailed', `The tool returned no attachment at $.attachments[${at}].`);
  return { status: 'success', value: structuredClone(value), attachments: structuredClone(attachments) };
}

function cancelled(signal: AbortSignal): ToolOutcome {
  return { status: 'cancelled', message: reasonText(signal.reason) };
}
