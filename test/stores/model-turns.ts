import type {
  QueuedInput,
  RecordedTurn,
  StoredTurn,
  TurnChange,
  TurnRecord,
  TurnSignal,
  TurnStatus,
} from '../../src/contract/turn-store.ts';
import type { JsonValue } from '../../src/core/json.ts';

/** A turn as the model remembers it. */
interface ModelTurn {
  readonly turnId: string;
  readonly hash: string;
  readonly at: number;
  status: TurnStatus;
  request: JsonValue;
  waits: JsonValue;
  result: JsonValue;
  leaf: string | null;
  plan: JsonValue;
  state: JsonValue;
  journal: readonly JsonValue[];
  readonly signals: Map<string, JsonValue>;
}

/** The obvious turns of a session: each with all that was said of it, and the queue as a list of ids. */
export class ModelTurns {
  readonly all = new Map<string, ModelTurn>();
  queue: readonly string[] = [];
  running: string | undefined;

  /** `accepted`, `same`, or the code with which it is refused. */
  accept({ turnId, hash, request, at }: QueuedInput): string {
    const known = this.all.get(turnId);
    if (known !== undefined) return known.hash === hash ? 'same' : 'OperationConflict';
    this.all.set(turnId, { ...newTurn(turnId, hash, at), request });
    this.queue = [...this.queue, turnId];
    return 'accepted';
  }

  /** The code with which a commit is refused because of what it says of a turn. */
  refusal(change: TurnChange): string | undefined {
    if (change.kind === 'begin') {
      const known = this.all.get(change.turnId);
      if (known !== undefined && known.hash !== change.hash) return 'OperationConflict';
      if (known?.status === 'ended') return 'InputNotQueued';
      return this.running === undefined ? undefined : 'TurnRunning';
    }
    if (change.turnId !== this.running) return 'TurnNotFound';
    const settles = change.kind === 'progress' ? change.settles : [];
    return settles.every((id) => this.queue.includes(id)) ? undefined : 'InputNotQueued';
  }

  /** Takes over what a commit said that left `leaf` behind. */
  apply(change: TurnChange, leaf: string | null): void {
    const { turnId } = change;
    if (change.kind === 'begin') {
      const turn = this.all.get(turnId) ?? newTurn(turnId, change.hash, change.at);
      const { plan, state } = change;
      this.all.set(turnId, { ...turn, status: 'running', request: null, plan, state, leaf });
      this.queue = this.queue.filter((id) => id !== turnId);
      this.running = turnId;
      return;
    }
    const turn = this.all.get(turnId);
    if (turn === undefined) return;
    if (change.kind === 'end') return this.#end(turnId, change.result, leaf);
    this.all.set(turnId, { ...turn, state: change.state, journal: [], waits: null, leaf });
    for (const id of change.settles) this.#end(id, change.settledAs, leaf);
  }

  /** `added`, `same`, or the code with which it is refused. */
  record({ turnId, epoch, first, entries, waits }: TurnRecord, present: number): string {
    if (epoch !== present) return 'WriterFenced';
    const turn = this.all.get(turnId);
    if (turn === undefined || turnId !== this.running) return 'TurnNotFound';
    const standing = turn.journal.slice(first, first + entries.length);
    const isSame = JSON.stringify(standing) === JSON.stringify(entries.slice(0, standing.length));
    if (first > turn.journal.length || !isSame) return 'OperationConflict';
    const added = entries.slice(standing.length);
    if (first + entries.length >= turn.journal.length) turn.waits = waits ?? null;
    turn.journal = [...turn.journal, ...added];
    return added.length > 0 ? 'added' : 'same';
  }

  /** The signal that stands, and whether it is the one that was given; or the code of the refusal. */
  signal({ turnId, signalId, value }: TurnSignal): readonly [string, TurnSignal?] {
    const turn = this.all.get(turnId);
    if (turn === undefined || turn.status === 'ended') return ['TurnNotFound'];
    const standing = turn.signals.get(signalId);
    turn.signals.set(signalId, standing ?? value);
    return [standing === undefined ? 'given' : 'stands', { turnId, signalId, value: standing ?? value }];
  }

  /** `moved`, or the code with which it is refused. */
  move(turnId: string, before: string | null): string {
    if (!this.queue.includes(turnId)) return 'InputNotQueued';
    if (before !== null && !this.queue.includes(before)) return 'InputNotQueued';
    if (before === turnId) return 'moved';
    const others = this.queue.filter((id) => id !== turnId);
    this.queue = others.toSpliced(before === null ? others.length : others.indexOf(before), 0, turnId);
    return 'moved';
  }

  /** `withdrawn`, or the code with which it is refused. */
  withdraw(turnId: string, result: JsonValue): string {
    if (!this.queue.includes(turnId)) return 'InputNotQueued';
    this.#end(turnId, result, null);
    return 'withdrawn';
  }

  find(turnId: string): StoredTurn | null {
    const turn = this.all.get(turnId);
    if (turn === undefined) return null;
    const { hash, status, at, request, waits, result, leaf } = turn;
    return { turnId, hash, status, at, request, waits, result, leaf };
  }

  pending(): readonly StoredTurn[] {
    const ids = [...(this.running === undefined ? [] : [this.running]), ...this.queue];
    return ids.flatMap((id) => this.find(id) ?? []);
  }

  load(turnId: string): RecordedTurn | null {
    const turn = this.find(turnId);
    const kept = this.all.get(turnId);
    if (turn === null || kept === undefined || turnId !== this.running) return null;
    const { plan, state, journal } = kept;
    return { turn, plan, state, journal, signals: this.signals(turnId) };
  }

  signals(turnId: string): readonly TurnSignal[] {
    const given = [...(this.all.get(turnId)?.signals ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return given.map(([signalId, value]) => ({ turnId, signalId, value }));
  }

  #end(turnId: string, result: JsonValue, leaf: string | null): void {
    const turn = this.all.get(turnId);
    if (turn === undefined) return;
    const { hash, at } = turn;
    this.all.set(turnId, { ...newTurn(turnId, hash, at), status: 'ended', result, leaf });
    this.queue = this.queue.filter((id) => id !== turnId);
    if (this.running === turnId) this.running = undefined;
  }
}

function newTurn(turnId: string, hash: string, at: number): ModelTurn {
  const said = { request: null, waits: null, result: null, leaf: null, plan: null, state: null };
  return { turnId, hash, at, status: 'queued', ...said, journal: [], signals: new Map() };
}
