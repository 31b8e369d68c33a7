import type {
  QueuedInput,
  RecordedTurn,
  StoredTurn,
  TurnRecord,
  TurnSignal,
  TurnStore,
} from '../../../contract/turn-store.ts';
import type { JsonValue } from '../../../core/json.ts';
import { copyData } from '../../rules/commit-plan.ts';
import type { SessionAccess } from '../session-access.ts';

/** The turns of a session in IndexedDB. Each call is a transaction of its own; what it takes is loaded with the first. */
export class IndexedDbTurnStore implements TurnStore {
  readonly #access: () => SessionAccess;

  /** `access` gives a way to the session, and throws where the handle may not use it. */
  constructor(access: () => SessionAccess) {
    this.#access = access;
  }

  async accept(input: QueuedInput): Promise<StoredTurn> {
    const access = this.#access();
    const copy = copyData(input, 'input');
    const { acceptTurn } = await import('./turn-calls.ts');
    return acceptTurn(access, copy);
  }

  async find(turnId: string): Promise<StoredTurn | null> {
    const access = this.#access();
    const { findTurn } = await import('./turn-reader.ts');
    return findTurn(access, turnId);
  }

  async pending(): Promise<readonly StoredTurn[]> {
    const access = this.#access();
    const { readPending } = await import('./turn-reader.ts');
    return readPending(access);
  }

  async load(turnId: string): Promise<RecordedTurn | null> {
    const access = this.#access();
    const { loadTurn } = await import('./turn-reader.ts');
    return loadTurn(access, turnId);
  }

  async record(record: TurnRecord): Promise<void> {
    const access = this.#access();
    const copy = copyData(record, 'record');
    const { recordTurn } = await import('./turn-calls.ts');
    await recordTurn(access, copy);
  }

  async signal(signal: TurnSignal): Promise<TurnSignal> {
    const access = this.#access();
    const copy = copyData(signal, 'signal');
    const { signalTurn } = await import('./turn-calls.ts');
    return signalTurn(access, copy);
  }

  async signals(turnId: string): Promise<readonly TurnSignal[]> {
    const access = this.#access();
    const { readSignals } = await import('./turn-reader.ts');
    return readSignals(access, turnId);
  }

  async move(turnId: string, before: string | null): Promise<void> {
    const access = this.#access();
    const { moveTurn } = await import('./turn-calls.ts');
    await moveTurn(access, turnId, before);
  }

  async withdraw(turnId: string, result: JsonValue): Promise<StoredTurn> {
    const access = this.#access();
    const copy = copyData(result, 'result');
    const { withdrawTurn } = await import('./turn-calls.ts');
    return withdrawTurn(access, turnId, copy);
  }
}
