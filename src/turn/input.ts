import type { WireError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import type { NodeDraft } from '../core/node.ts';
import type { ToolOutcome } from '../core/tool-call.ts';
import type { TurnWait } from '../core/turn-wait.ts';
import type { UsageEntry } from '../core/usage.ts';
import type { GraphTarget } from './effect.ts';
import type { CollectedInput, ModelAnswer } from './state.ts';

/**
 * What child sessions used within an effect, by source and model. Of a tool call that is held and runs later, each part is told
 * once; of a model call that is made again, all of it each time.
 */
export interface ByChildren {
  readonly spent?: readonly UsageEntry[];
}

/**
 * What can happen to a turn. `effect` names the effect that this answers; an answer to anything but the present one is
 * ignored. Times come from outside (`at`, Unix milliseconds), so that a replay gives the same bytes (law ST4).
 */
export type TurnInputEvent =
  | { readonly type: 'start'; readonly input: NodeDraft | null; readonly target: GraphTarget }
  /** `spent` was counted by the commit itself. */
  | ({ readonly type: 'committed'; readonly effect: string; readonly leaf: string | null } & ByChildren)
  | { readonly type: 'commit-failed'; readonly effect: string; readonly error: WireError }
  | { readonly type: 'collected'; readonly effect: string; readonly inputs: readonly CollectedInput[] }
  | ({
      readonly type: 'model-answered';
      readonly effect: string;
      readonly answer: ModelAnswer;
      /** What the answer says, where the turn asked for data. */
      readonly value?: JsonValue;
      readonly at: number;
    } & ByChildren)
  /** `answer` is what came all the same: its tokens count. */
  | ({
      readonly type: 'model-failed';
      readonly effect: string;
      readonly error: WireError;
      readonly answer?: ModelAnswer;
      readonly at: number;
    } & ByChildren)
  /** The call was stopped as asked; the answer holds what had arrived. */
  | ({
      readonly type: 'model-stopped';
      readonly effect: string;
      readonly answer: ModelAnswer;
      readonly at: number;
    } & ByChildren)
  | ({
      readonly type: 'tool-finished';
      readonly effect: string;
      readonly outcome: ToolOutcome;
      readonly durationMs: number;
      /** The session that the tool passed the conversation on to. */
      readonly successor?: string;
      readonly at: number;
    } & ByChildren)
  | { readonly type: 'waited'; readonly effect: string }
  /** The effect cannot be performed before that is brought. */
  | ({
      readonly type: 'held';
      readonly effect: string;
      readonly wait: TurnWait;
      readonly at: number;
    } & ByChildren)
  /** What it waited for is there. */
  | { readonly type: 'released'; readonly effect: string }
  | { readonly type: 'cancel'; readonly reason: string; readonly at: number }
  /** A limit of the turn that only the driver sees, such as its time. */
  | { readonly type: 'limit'; readonly error: WireError; readonly at: number }
  /** The driver failed in a way that no other input describes. */
  | { readonly type: 'crashed'; readonly error: WireError };
