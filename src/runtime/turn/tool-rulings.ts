import type { ToolCallRuling } from '../../contract/plugin.ts';
import type { ToolCallPart } from '../../core/message.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import type { TurnHooks } from '../plugins/turn-hooks.ts';
import { failure, failureOf } from './tool-failure-outcome.ts';

/** How a call that may run is ruled on. */
export type ArgsOrAsk = Extract<ToolCallRuling, { readonly kind: 'args' | 'ask' }>;

/** Lets the plugins get their tools; what a call fails with where they cannot. */
export async function prepared(hooks: TurnHooks | undefined): Promise<ToolOutcome | undefined> {
  try {
    await hooks?.prepareTools();
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

/** How the plugins rule on a call: with which arguments it runs, or its outcome where it does not. */
export async function ruled(
  hooks: TurnHooks | undefined,
  call: ToolCallPart,
): Promise<ToolOutcome | ArgsOrAsk> {
  try {
    const ruling = (await hooks?.beforeToolCall(call)) ?? { kind: 'args', args: call.args };
    if (ruling.kind === 'answer') return { status: 'success', value: ruling.value };
    if (ruling.kind === 'deny')
      return failure('ToolDenied', `A plugin decided that it must not run: ${ruling.reason}`);
    return ruling;
  } catch (error) {
    return failureOf(error);
  }
}
