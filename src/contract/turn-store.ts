import type { JsonValue } from '../core/json.ts';
import type { Durability } from './durability.ts';

/**
 * The socket for what a session keeps of its turns besides their nodes: which input was accepted, how far the turn that
 * answers it has come, and how it ended. What a store is given as JSON it keeps as it is, and does not look into.
 *
 * - RC1 An input is accepted once: the same id with the same request is the same turn, whatever has become of it; with
 *   another request it is `OperationConflict` (law TU1).
 * - RC2 A turn begins, goes on and ends by commits alone: what a commit says of a turn is stored with it, or not at all
 *   (law TU4). A replayed commit says nothing again.
 * - RC3 At most one turn of a session has begun and not ended.
 * - RC4 What is recorded between two commits is an unbroken journal that only the writer of the present epoch adds to
 *   (law TU3). The same entries at the same place are added once; others there are `OperationConflict`.
 * - RC5 A commit that a turn goes on by begins its journal anew; the one that it ends by removes journal, plan and signals.
 * - RC6 Queued inputs keep an order of their own. What is not queued any more is neither moved nor withdrawn nor settled:
 *   `InputNotQueued`, and nothing changes.
 * - RC7 A signal is given once: the first one of its id stays, and everybody is told which that is.
 * - RC8 What is not ended is listed by keys of its own: the cost does not grow with the turns that ended (law ST19).
 */
export interface TurnStore {
  /**
   * Stores an input that waits for its turn, behind those that are queued. It needs no epoch: anybody may ask.
   *
   * @throws `OperationConflict` (RC1), `InvalidInput`, `NotData`
   */
  accept(input: QueuedInput): Promise<StoredTurn>;
  /** What is known of a turn, or `null`. */
  find(turnId: string): Promise<StoredTurn | null>;
  /** What has not ended: the turn that has begun, then the queued ones in their order. */
  pending(): Promise<readonly StoredTurn[]>;
  /** All that is needed to go on with a turn that has begun, in one snapshot; `null` if it has not, or has ended. */
  load(turnId: string): Promise<RecordedTurn | null>;
  /** Adds to the journal of the turn that has begun. @throws `WriterFenced`, `OperationConflict` (RC4), `TurnNotFound` */
  record(entries: TurnRecord): Promise<void>;
  /** Gives a signal to a turn that has not ended, and tells which one stands (RC7). @throws `TurnNotFound` */
  signal(signal: TurnSignal): Promise<TurnSignal>;
  /** The signals of a turn. */
  signals(turnId: string): Promise<readonly TurnSignal[]>;
  /** Puts a queued input before another one, or behind all. @throws `InputNotQueued`, for either of them */
  move(turnId: string, before: string | null): Promise<void>;
  /** Ends a queued input without a turn. @throws `InputNotQueued` */
  withdraw(turnId: string, result: JsonValue): Promise<StoredTurn>;
}

/** An input that is to be queued. `request` says what the turn is to do, `hash` tells equal requests from others. */
export interface QueuedInput {
  readonly turnId: string;
  readonly hash: string;
  readonly request: JsonValue;
  /** Unix milliseconds. */
  readonly at: number;
}

/** `queued`: accepted, not begun. `running`: begun; `waits` says what it waits for, if it was left waiting. */
export type TurnStatus = 'queued' | 'running' | 'ended';

/** What is kept of a turn, for as long as its session is. */
export interface StoredTurn {
  readonly turnId: string;
  readonly hash: string;
  readonly status: TurnStatus;
  /** When it was accepted, in Unix milliseconds. */
  readonly at: number;
  /** Of a queued input. */
  readonly request: JsonValue | null;
  /** Of a turn that was left waiting, until its next record or commit. */
  readonly waits: JsonValue | null;
  /** Of a turn that ended. */
  readonly result: JsonValue | null;
  /** The node that its last commit left behind. */
  readonly leaf: string | null;
}

/** A turn that has begun, as its last commit and its journal tell. */
export interface RecordedTurn {
  readonly turn: StoredTurn;
  /** What its first commit said, the same for the whole turn. */
  readonly plan: JsonValue;
  /** What its last commit said. */
  readonly state: JsonValue;
  readonly journal: readonly JsonValue[];
  readonly signals: readonly TurnSignal[];
}

/** What is added to a journal. */
export interface TurnRecord {
  readonly turnId: string;
  readonly epoch: number;
  /** The place of the first entry; entries are counted from 0 since the turn's last commit. */
  readonly first: number;
  readonly entries: readonly JsonValue[];
  /** What the turn is left waiting for; absent: it goes on. */
  readonly waits?: JsonValue;
  /** `strict` before a side effect (law ST20). */
  readonly durability?: Durability;
}

/** What somebody tells a turn, from whichever tab: to stop, or an answer to what it asked. */
export interface TurnSignal {
  readonly turnId: string;
  /** 1 to 256 bytes of UTF-8; once per turn. */
  readonly signalId: string;
  readonly value: JsonValue;
}

/** What a commit says of a turn (RC2). */
export type TurnChange =
  /** It begins, whether or not it was queued. @throws `TurnRunning`, `OperationConflict`, `InputNotQueued` if it ended */
  | {
      readonly kind: 'begin';
      readonly turnId: string;
      readonly hash: string;
      readonly plan: JsonValue;
      readonly state: JsonValue;
      readonly at: number;
    }
  /** It goes on, and the queued inputs `settles` end with `settledAs`. @throws `TurnNotFound`, `InputNotQueued` */
  | {
      readonly kind: 'progress';
      readonly turnId: string;
      readonly state: JsonValue;
      readonly settles: readonly string[];
      readonly settledAs: JsonValue;
    }
  /** It ends. @throws `TurnNotFound` */
  | { readonly kind: 'end'; readonly turnId: string; readonly result: JsonValue };
