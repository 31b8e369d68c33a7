import type { WireError } from './error.ts';
import type { JsonValue } from './json.ts';
import type { TokenUsage, UsageEntry } from './usage.ts';

/** Why a turn ended, in lash's words; the trace's `done_reason`. */
export type TurnEndReason =
  | 'assistant_message'
  | 'cancelled'
  /** A tool passed the conversation on: `successor` goes on with it. */
  | 'handoff'
  | 'incomplete'
  /** The input became part of the turn that was running. */
  | 'injected'
  | 'max_time'
  | 'max_tokens'
  | 'max_turns'
  /** A plugin ended it (`TurnAborted`), or failed (`PluginFailed`). */
  | 'plugin_abort'
  | 'plugin_error'
  | 'provider_error'
  | 'runtime_error'
  /** It was taken out of the queue. */
  | 'withdrawn';

/** How a turn ended. `leaf` is the node that the session continues from; `usage` is what its own model calls used. */
export interface TurnResult {
  readonly status: 'completed' | 'cancelled' | 'failed';
  readonly reason: TurnEndReason;
  /** Set when `status` is `failed`. */
  readonly error?: WireError;
  /** What the turn was asked for by `answer`, where it completed. */
  readonly value?: JsonValue;
  /** The session that goes on with the conversation, where `reason` is `handoff`. */
  readonly successor?: string;
  readonly leaf: string | null;
  readonly usage: TokenUsage;
  /** What its child sessions used besides, through grandchildren, by source and model; absent where there were none. */
  readonly children?: readonly UsageEntry[];
}
