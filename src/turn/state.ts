import type { RetryLimits } from '../core/limits.ts';
import type { Part, ToolCallPart } from '../core/message.ts';
import type { NodeDraft } from '../core/node.ts';
import type { ToolInvocation } from '../core/tool-call.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { TurnWait } from '../core/turn-wait.ts';
import type { TokenUsage, UsageEntry } from '../core/usage.ts';

/** What a turn is run with; fixed while it runs. */
export interface TurnConfig {
  readonly turnId: string;
  readonly maxSteps: number;
  /** Input and output tokens of all its model calls; no limit where it is absent. */
  readonly maxTokens?: number;
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

/** Input that came while the turn ran; the commit that appends it settles it. */
export interface CollectedInput {
  readonly inputId: string;
  readonly draft: NodeDraft;
}

/** How a turn ends; the driver adds the leaf. */
export type TurnEnd = Omit<TurnResult, 'leaf' | 'usage' | 'children'>;

/** Where a turn is. `effect` is the id of the one effect that it waits for. */
export type TurnPhase =
  | { readonly name: 'new' }
  | { readonly name: 'accepting'; readonly effect: string }
  /** `held`: the call cannot be made before that is brought. */
  | {
      readonly name: 'calling';
      readonly effect: string;
      readonly correlationId: string;
      readonly held: TurnWait | null;
      /** While it is held: what child sessions used within it. Once it is made again, that is told again, with what they use then. */
      readonly spent?: readonly UsageEntry[];
    }
  /** `until` is in Unix milliseconds. */
  | { readonly name: 'waiting'; readonly effect: string; readonly until: number }
  | {
      readonly name: 'running-tools';
      /** The assistant's message that asked for the calls. */
      readonly answer: NodeDraft;
      readonly calls: readonly ToolCallPart[];
      /** In call order; `null` while the call runs, or is held. */
      readonly invocations: readonly (ToolInvocation | null)[];
      /** In call order; what a call that did not start waits for. */
      readonly held: readonly (TurnWait | null)[];
    }
  /** Input that came meanwhile is asked for, to be committed behind `nodes`. */
  | {
      readonly name: 'collecting';
      readonly effect: string;
      readonly nodes: readonly NodeDraft[];
      readonly end: TurnEnd | null;
    }
  /**
   * A commit of `nodes` and of the input that was collected is under way. Afterwards the turn ends as `end` says, or
   * makes the next step if that is `null` or there was input.
   */
  | {
      readonly name: 'committing';
      readonly effect: string;
      readonly nodes: readonly NodeDraft[];
      readonly end: TurnEnd | null;
      readonly inputs: readonly CollectedInput[];
    }
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
  /** What its child sessions used, by source and model; absent while there are none. */
  readonly children?: readonly UsageEntry[];
  /** The session that a tool passed the conversation on to; absent while none did. */
  readonly successor?: string;
  /** Why the turn is being stopped, and how it then ends; `null` while it goes on. */
  readonly stop: { readonly reason: string; readonly end: TurnEnd } | null;
}
