import type { TurnChange } from '../../../contract/turn-store.ts';
import type { KeptTurn } from '../../rules/kept-turn.ts';
import { changeTurns, namedTurns } from '../../rules/turn-change.ts';
import { type PlannedTurnChange, planTurnChange } from '../../rules/turn-plan.ts';
import type { WrittenCommit } from '../graph/commit-writer.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { keysOf, type StoreName } from '../rows/schema.ts';
import { decodePending, decodeTurn, pendingRows } from './turn-rows.ts';

/** The rows that a change is decided by, not yet looked at: what is wrong with them may be no matter. */
interface TurnRows {
  readonly running: readonly unknown[];
  readonly named: readonly unknown[];
}

/** Writes what a commit says of a turn, within the commit's own transaction (law TU4). */
export class TurnWriter {
  /** The object stores that it needs besides those of the commit. */
  readonly stores: readonly StoreName[] = ['turns', 'journal', 'signals'];
  readonly #change: PlannedTurnChange;

  /** @throws `InvalidInput`, `NotData` */
  constructor(change: TurnChange) {
    this.#change = planTurnChange(change);
  }

  /**
   * Runs `write`, and writes what the commit says of the turn, unless that was done before. What it stands on is read while
   * the commit is written, so that it costs no round trip of its own. It is asked for after what `write` asks at once, so
   * that a commit which was done before fails by its receipt first, and never by its turn.
   *
   * @throws what `write` throws, then as `changeTurns`, and the transaction must not complete; `StoredDataCorrupt`
   */
  async write(
    rows: RowTransaction,
    sessionId: string,
    write: () => Promise<WrittenCommit>,
  ): Promise<WrittenCommit> {
    const [written, found] = await Promise.all([write(), this.#read(rows, sessionId)]);
    if (!written.receipt.replayed) this.#apply(rows, found, written);
    return written;
  }

  async #read(rows: RowTransaction, sessionId: string): Promise<TurnRows> {
    const [running, named] = await Promise.all([
      pendingRows(rows, sessionId, { running: true }),
      Promise.all(namedTurns(this.#change).map((turnId) => rows.get('turns', [sessionId, turnId]))),
    ]);
    return { running, named };
  }

  #apply(rows: RowTransaction, found: TurnRows, { head: { sessionId, leaf } }: WrittenCommit): void {
    const change = this.#change;
    const running = decodePending(sessionId, found.running).find((turn) => turn.status === 'running');
    const named = found.named.flatMap((row) => decodeTurn(sessionId, row) ?? []);
    const byId = new Map(named.map((turn) => [turn.turnId, turn]));
    const turns = changeTurns(sessionId, change, { running, named: byId }, leaf);
    for (const turn of turns) this.#keep(rows, sessionId, turn);
    const { kind, turnId } = change;
    if (kind === 'begin') rows.put('journal', { sessionId, turnId, seq: 0, text: change.plan });
    if (kind === 'progress') {
      rows.delete('journal', IDBKeyRange.bound([sessionId, turnId, 1], [sessionId, turnId, []]));
    }
    if (kind === 'end') rows.delete('journal', keysOf([sessionId, turnId]));
  }

  #keep(rows: RowTransaction, sessionId: string, turn: KeptTurn): void {
    rows.put('turns', { ...turn, sessionId });
    if (turn.status === 'ended') rows.delete('signals', keysOf([sessionId, turn.turnId]));
  }
}
