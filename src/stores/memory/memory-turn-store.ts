import type {
  QueuedInput,
  RecordedTurn,
  StoredTurn,
  TurnRecord,
  TurnSignal,
  TurnStore,
} from '../../contract/turn-store.ts';
import type { JsonValue } from '../../core/json.ts';
import { checkEpoch } from '../rules/refusal.ts';
import { planInput, planRecord, planSignal, toText } from '../rules/turn-plan.ts';
import type { MemorySession } from './memory-session.ts';

/** A handle of the turns of a session in memory. What a call does is atomic, since it runs without a pause. */
export class InMemoryTurnStore implements TurnStore {
  readonly #live: () => MemorySession;

  /** `live` gives the session, and throws where a handle of it may not use it. */
  constructor(live: () => MemorySession) {
    this.#live = live;
  }

  async accept(input: QueuedInput): Promise<StoredTurn> {
    const planned = planInput(input);
    return this.#live().turns.accept(planned);
  }

  async find(turnId: string): Promise<StoredTurn | null> {
    return this.#live().turns.find(turnId);
  }

  async pending(): Promise<readonly StoredTurn[]> {
    return this.#live().turns.pending();
  }

  async load(turnId: string): Promise<RecordedTurn | null> {
    return this.#live().turns.load(turnId);
  }

  async record(record: TurnRecord): Promise<void> {
    const planned = planRecord(record);
    const session = this.#live();
    checkEpoch(planned.epoch, session.epoch);
    session.turns.record(planned);
  }

  async signal(signal: TurnSignal): Promise<TurnSignal> {
    const planned = planSignal(signal);
    return this.#live().turns.signal(planned);
  }

  async signals(turnId: string): Promise<readonly TurnSignal[]> {
    return this.#live().turns.signals(turnId);
  }

  async move(turnId: string, before: string | null): Promise<void> {
    this.#live().turns.move(turnId, before);
  }

  async withdraw(turnId: string, result: JsonValue): Promise<StoredTurn> {
    const text = toText(result, 'result');
    return this.#live().turns.withdraw(turnId, text);
  }
}
