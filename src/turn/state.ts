import type { RetryLimits } from '../core/limits.ts';
import type { Part, ToolCallPart } from '../core/message.ts';
import type { NodeDraft } from '../core/node.ts';
import type { ToolInvocation } from '../core/tool-call.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { TokenUsage, UsageEntry } from '../core/usage.ts';

/** What a turn is run with; fixed while it runs. */
export interface TurnConfig {
  readonly turnId: string;
  readonly maxSteps: number;
  readonly retries: RetryLimits;
  readonly treatMissingDoneAsFailure: boolean;
}

/** What a model answered, accumulated from its stream. `finish` is `missing` when the stream ended without saying. */
export interface ModelAnswer {
  readonly model: string;
  readonly parts: readonly Part[];
  readonly finish: 'stop' | 'tool-calls' | 'length' | 'content-filter' | 'other' | 'missing';
  readonly usage: TokenUsage;
}

/** How a turn ends; the driver adds the leaf. */
export type TurnEnd = Omit<TurnResult, 'leaf' | 'usage'>;

/** Where a turn is. `effect` is the id of the one effect that it waits for. */
export type TurnPhase =
  | { readonly name: 'new' }
  | { readonly name: 'accepting'; readonly effect: string }
  | { readonly name: 'calling'; readonly effect: string; readonly correlationId: string }
  | { readonly name: 'waiting'; readonly effect: string }
  | {
      readonly name: 'running-tools';
      /** The assistant's message that asked for the calls. */
      readonly answer: NodeDraft;
      readonly calls: readonly ToolCallPart[];
      /** In call order; `null` while the call runs. */
      readonly invocations: readonly (ToolInvocation | null)[];
    }
  /** A commit is under way; afterwards the turn ends as `end` says, or makes the next step if that is `null`. */
  | { readonly name: 'committing'; readonly effect: string; readonly end: TurnEnd | null }
  | { readonly name: 'finished' };

/** The whole state of a turn: plain JSON, so that it can be stored and replayed (law TU2). */
export interface TurnState {
  readonly config: TurnConfig;
  readonly phase: TurnPhase;
  /** The node that the next one is appended to. */
  readonly leaf: string | null;
  /** Model calls that were answered. */
  readonly step: number;
  /** Attempts at the present call, from 1. */
  readonly attempt: number;
  /** Commits that were asked for. */
  readonly commits: number;
  /** Tokens of this turn. */
  readonly usage: TokenUsage;
  /** Tokens that no commit has counted yet. */
  readonly uncounted: readonly UsageEntry[];
  /** Why the turn is being stopped, or `null`. */
  readonly cancel: string | null;
}
