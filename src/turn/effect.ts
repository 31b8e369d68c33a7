import type { TurnActivity } from '../core/event.ts';
import type { ToolCallPart } from '../core/message.ts';
import type { NodeDraft } from '../core/node.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { TurnWait } from '../core/turn-wait.ts';
import type { UsageEntry } from '../core/usage.ts';
import type { TurnEnd } from './state.ts';

/** Where a commit without nodes leaves the leaf: where it is, or at the turn's node. */
export type GraphTarget = 'stay' | 'branch';

/** What a turn used, as its result tells it. */
export type TurnSpending = Pick<TurnResult, 'usage' | 'children'>;

/** What a commit says of the turn itself, in the same transaction (law TU4). */
export type CommitRole =
  /** The turn begins: its input is accepted. */
  | { readonly kind: 'begin' }
  /** It goes on, and these queued inputs are part of it now. */
  | { readonly kind: 'progress'; readonly settles: readonly string[] }
  | ({ readonly kind: 'end'; readonly end: TurnEnd } & TurnSpending);

/**
 * What a turn asks for. Ids are the same on every replay of the same inputs (law TU2). `commit`, `collect`, `call-model`,
 * `run-tool` and `wait` are answered by an input with their id; the others are not answered.
 */
export type TurnEffect =
  /** Append `nodes` below `parent` and count `usage`; no nodes: count only, and move the leaf as `target` says. */
  | {
      readonly type: 'commit';
      readonly id: string;
      readonly operationId: string;
      readonly parent: string | null;
      readonly nodes: readonly NodeDraft[];
      readonly target: GraphTarget;
      readonly usage: readonly UsageEntry[];
      readonly role: CommitRole;
    }
  /** Look for input that came while the turn ran and is to be part of it (law TU10). */
  | { readonly type: 'collect'; readonly id: string }
  | {
      readonly type: 'call-model';
      readonly id: string;
      readonly leaf: string | null;
      readonly step: number;
      readonly attempt: number;
      readonly correlationId: string;
    }
  | { readonly type: 'stop-model'; readonly id: string; readonly reason: string }
  | { readonly type: 'run-tool'; readonly id: string; readonly call: ToolCallPart }
  | { readonly type: 'stop-tools'; readonly reason: string }
  /** Until `until`, in Unix milliseconds. */
  | { readonly type: 'wait'; readonly id: string; readonly until: number }
  | { readonly type: 'stop-waiting'; readonly id: string }
  | { readonly type: 'emit'; readonly activity: TurnActivity }
  /** All that is open is held: nothing happens before something is brought (law TU11). */
  | { readonly type: 'suspend'; readonly waits: readonly TurnWait[] }
  /** The last effect of every turn, exactly once (law TU6). */
  | ({ readonly type: 'finish'; readonly end: TurnEnd } & TurnSpending);
