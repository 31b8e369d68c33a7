import { loadModule } from '../../../contract/load-module.ts';
import type {
  QueuedInput,
  RecordedTurn,
  StoredTurn,
  TurnRecord,
  TurnSignal,
  TurnStore,
} from '../../../contract/turn-store.ts';
import type { JsonValue } from '../../../core/json.ts';
import { copyData } from '../../rules/refusal.ts';
import type { SessionAccess } from '../session-access.ts';
import type * as Calls from './turn-calls.ts';
import type * as Reader from './turn-reader.ts';

/** The turns of a session in IndexedDB. Each call is a transaction of its own; what it takes is loaded with the first. */
export class IndexedDbTurnStore implements TurnStore {
  readonly #access: () => SessionAccess;

  /** `access` gives a way to the session, and throws where the handle may not use it. */
  constructor(access: () => SessionAccess) {
    this.#access = access;
  }

  async accept(input: QueuedInput): Promise<StoredTurn> {
    const copy = copyData(input, 'input');
    return this.#write((calls, access) => calls.acceptTurn(access, copy));
  }

  async find(turnId: string): Promise<StoredTurn | null> {
    return this.#read((reader, access) => reader.findTurn(access, turnId));
  }

  async pending(): Promise<readonly StoredTurn[]> {
    return this.#read((reader, access) => reader.readPending(access));
  }

  async load(turnId: string): Promise<RecordedTurn | null> {
    return this.#read((reader, access) => reader.loadTurn(access, turnId));
  }

  async record(record: TurnRecord): Promise<void> {
    const copy = copyData(record, 'record');
    return this.#write((calls, access) => calls.recordTurn(access, copy));
  }

  async signal(signal: TurnSignal): Promise<TurnSignal> {
    const copy = copyData(signal, 'signal');
    return this.#write((calls, access) => calls.signalTurn(access, copy));
  }

  async signals(turnId: string): Promise<readonly TurnSignal[]> {
    return this.#read((reader, access) => reader.readSignals(access, turnId));
  }

  async move(turnId: string, before: string | null): Promise<void> {
    return this.#write((calls, access) => calls.moveTurn(access, turnId, before));
  }

  async withdraw(turnId: string, result: JsonValue): Promise<StoredTurn> {
    const copy = copyData(result, 'result');
    return this.#write((calls, access) => calls.withdrawTurn(access, turnId, copy));
  }

  async #read<T>(body: (reader: typeof Reader, access: SessionAccess) => Promise<T>): Promise<T> {
    const access = this.#access();
    return body(await loadModule('turn-reader', import('./turn-reader.ts')), access);
  }

  async #write<T>(body: (calls: typeof Calls, access: SessionAccess) => Promise<T>): Promise<T> {
    const access = this.#access();
    return body(await loadModule('turn-calls', import('./turn-calls.ts')), access);
  }
}
