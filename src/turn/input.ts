import type { WireError } from '../core/error.ts';
import type { NodeDraft } from '../core/node.ts';
import type { ToolOutcome } from '../core/tool-call.ts';
import type { ModelAnswer } from './state.ts';

/**
 * What can happen to a turn. `effect` names the effect that this answers; an answer to anything but the present one is
 * ignored. Times come from outside (`at`, Unix milliseconds), so that a replay gives the same bytes (law ST4).
 */
export type TurnInputEvent =
  | { readonly type: 'start'; readonly input: NodeDraft | null }
  | { readonly type: 'committed'; readonly effect: string; readonly leaf: string | null }
  | { readonly type: 'commit-failed'; readonly effect: string; readonly error: WireError }
  | {
      readonly type: 'model-answered';
      readonly effect: string;
      readonly answer: ModelAnswer;
      readonly at: number;
    }
  | { readonly type: 'model-failed'; readonly effect: string; readonly error: WireError }
  /** The call was stopped as asked; the answer holds what had arrived. */
  | {
      readonly type: 'model-stopped';
      readonly effect: string;
      readonly answer: ModelAnswer;
      readonly at: number;
    }
  | {
      readonly type: 'tool-finished';
      readonly effect: string;
      readonly outcome: ToolOutcome;
      readonly durationMs: number;
      readonly at: number;
    }
  | { readonly type: 'waited'; readonly effect: string }
  | { readonly type: 'cancel'; readonly reason: string }
  /** The driver failed in a way that no other input describes. */
  | { readonly type: 'crashed'; readonly error: WireError };
