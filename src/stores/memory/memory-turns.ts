import type { RecordedTurn, StoredTurn, TurnSignal } from '../../contract/turn-store.ts';
import type { JsonValue } from '../../core/json.ts';
import {
  checkQueued,
  endedAs,
  type KeptTurn,
  type QueuedTurn,
  RUNNING_PLACE,
  type RunningTurn,
  toStoredTurn,
  turnNotFound,
} from '../rules/kept-turn.ts';
import { changeTurns } from '../rules/turn-change.ts';
import { entriesToAdd, isLatest } from '../rules/turn-journal.ts';
import type { PlannedInput, PlannedRecord, PlannedSignal, PlannedTurnChange } from '../rules/turn-plan.ts';
import { acceptInput, moveInput } from '../rules/turn-queue.ts';

/** What is kept of a turn only until it ends. All is JSON text. */
interface Recording {
  readonly plan: string;
  readonly journal: readonly string[];
}

/** The turns of one session in memory. Each call checks before it changes anything. */
export class MemoryTurns {
  readonly #sessionId: string;
  readonly #turns = new Map<string, KeptTurn>();
  readonly #recordings = new Map<string, Recording>();
  /** Values of signals as JSON text, by turn and id. */
  readonly #signals = new Map<string, ReadonlyMap<string, string>>();

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  accept(input: PlannedInput): StoredTurn {
    const last = this.#queue().at(-1)?.place ?? RUNNING_PLACE;
    const turn = acceptInput(this.#turns.get(input.turnId), input, last);
    this.#turns.set(turn.turnId, turn);
    return show(turn);
  }

  find(turnId: string): StoredTurn | null {
    const turn = this.#turns.get(turnId);
    return turn === undefined ? null : show(turn);
  }

  pending(): readonly StoredTurn[] {
    const running = this.#running();
    return [...(running === undefined ? [] : [running]), ...this.#queue()].map(show);
  }

  load(turnId: string): RecordedTurn | null {
    const turn = this.#running();
    const recording = this.#recordings.get(turnId);
    if (turn?.turnId !== turnId || recording === undefined) return null;
    const { plan, journal } = recording;
    return {
      turn: show(turn),
      plan: parse(plan),
      state: parse(turn.state),
      journal: journal.map(parse),
      signals: this.signals(turnId),
    };
  }

  record(record: PlannedRecord): void {
    const { turnId, first, waits } = record;
    const turn = this.#running();
    const recording = this.#recordings.get(turnId);
    if (turn?.turnId !== turnId || recording === undefined) throw turnNotFound(this.#sessionId, turnId);
    const { journal } = recording;
    const added = entriesToAdd(record, journal.length, journal.slice(first));
    this.#recordings.set(turnId, { ...recording, journal: [...journal, ...added] });
    if (isLatest(record, journal.length)) this.#turns.set(turnId, { ...turn, waits });
  }

  signal({ turnId, signalId, value }: PlannedSignal): TurnSignal {
    const turn = this.#turns.get(turnId);
    if (turn === undefined || turn.status === 'ended') throw turnNotFound(this.#sessionId, turnId);
    const given = this.#signals.get(turnId) ?? new Map<string, string>();
    const standing = given.get(signalId) ?? value;
    this.#signals.set(turnId, new Map([...given, [signalId, standing]]));
    return { turnId, signalId, value: parse(standing) };
  }

  /** In the order of their ids. */
  signals(turnId: string): readonly TurnSignal[] {
    const given = [...(this.#signals.get(turnId) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return given.map(([signalId, value]) => ({ turnId, signalId, value: parse(value) }));
  }

  move(turnId: string, before: string | null): void {
    const moved = moveInput(this.#queue(), turnId, before, (id) => this.#turns.get(id));
    for (const turn of moved) this.#turns.set(turn.turnId, turn);
  }

  withdraw(turnId: string, result: string): StoredTurn {
    const turn = endedAs(checkQueued(turnId, this.#turns.get(turnId)), result, { leaf: null });
    this.#keep(turn);
    return show(turn);
  }

  /** The turns that a commit changes. @throws as `changeTurns`, and nothing is changed yet */
  plan(change: PlannedTurnChange, leaf: string | null): readonly KeptTurn[] {
    const found = { running: this.#running(), named: this.#turns };
    return changeTurns(this.#sessionId, change, found, leaf);
  }

  /** Keeps what {@link plan} answered. */
  apply(change: PlannedTurnChange, turns: readonly KeptTurn[]): void {
    for (const turn of turns) this.#keep(turn);
    const { kind, turnId } = change;
    if (kind === 'end') return;
    const plan = kind === 'begin' ? change.plan : this.#recordings.get(turnId)?.plan;
    this.#recordings.set(turnId, { plan: plan ?? 'null', journal: [] });
  }

  clear(): void {
    this.#turns.clear();
    this.#recordings.clear();
    this.#signals.clear();
  }

  #keep(turn: KeptTurn): void {
    this.#turns.set(turn.turnId, turn);
    if (turn.status !== 'ended') return;
    this.#recordings.delete(turn.turnId);
    this.#signals.delete(turn.turnId);
  }

  #running(): RunningTurn | undefined {
    return [...this.#turns.values()].find((turn) => turn.status === 'running');
  }

  #queue(): readonly QueuedTurn[] {
    const queued = [...this.#turns.values()].filter((turn) => turn.status === 'queued');
    return queued.toSorted((a, b) => a.place - b.place);
  }
}

function show(turn: KeptTurn): StoredTurn {
  return toStoredTurn(turn, parse);
}

function parse(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}
