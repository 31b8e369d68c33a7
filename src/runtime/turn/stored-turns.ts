import type { StoredTurn, TurnStore } from '../../contract/turn-store.ts';
import { isLashError, LashError, toWireError } from '../../core/error.ts';
import type { JsonValue } from '../../core/json.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import type { ApprovalDecision } from '../../core/turn-wait.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { SessionParts } from '../model/model-caller.ts';
import type { CheckedAsk } from './checked-ask.ts';

/** A turn, and the call of it that asks: a turn is told other things as well, which are no answers. */
const REQUEST_ID = /^(.+)\/(tool-\d+-\d+)$/s;

/** A session, and what a turn of it asks: how the questions of child sessions are named outside of them. */
const CHILD_REQUEST_ID = /^(child-[0-9a-f]{40}):(.+)$/s;

type StoredParts = Pick<SessionParts, 'turns' | 'clock' | 'secrets' | 'history' | 'environment'>;

/** What is stored of a session's turns that this runtime does not run: asked, queued, told. */
export class StoredTurns {
  readonly #parts: StoredParts;

  constructor(parts: StoredParts) {
    this.#parts = parts;
  }

  /** The turn of this id, if it was accepted before with the same request (law TU1). @throws `OperationConflict` */
  async known(turnId: string, { hash }: CheckedAsk): Promise<StoredTurn | null> {
    const stored = await this.#parts.turns.find(turnId);
    if (stored === null || stored.hash === hash) return stored;
    const message = `The turn ${turnId} was asked for before, with another input`;
    throw new LashError('OperationConflict', message, { operationId: turnId });
  }

  /** Puts an input behind those that wait; `running` runs here. @throws `OperationConflict` */
  async queue(turnId: string, { ask, hash }: CheckedAsk, running: string | null): Promise<void> {
    const { turns, clock } = this.#parts;
    const { inject = false, ...rest } = ask;
    const into = inject ? await this.#reader(turnId, running) : null;
    const request = into === null ? rest : { ...rest, into };
    await turns.accept({ turnId, hash, request: request as unknown as JsonValue, at: clock.now() });
  }

  /** The turn that is to read the input of another one. */
  async #reader(turnId: string, running: string | null): Promise<string | null> {
    if (running !== null && running !== turnId) return running;
    const [first] = await this.#parts.turns.pending();
    return first?.status === 'running' ? first.turnId : null;
  }

  /** Ends an input that waits. Resolves with whether it still waited. */
  async withdraw(turnId: string, result: TurnResult): Promise<boolean> {
    try {
      await this.#parts.turns.withdraw(turnId, result as unknown as JsonValue);
      return true;
    } catch (error) {
      if (isLashError(error, 'InputNotQueued')) return false;
      throw error;
    }
  }

  /** Takes a turn out of the queue, and resolves with its result; one that has begun is told to stop: `null`. @throws `TurnNotFound` */
  async cancel(turnId: string, reason: string): Promise<TurnResult | null> {
    const { turns, secrets, history } = this.#parts;
    const stored = await turns.find(turnId);
    if (stored?.status === 'ended') return null;
    const { leaf } = history.head;
    const withdrawn = { status: 'cancelled', reason: 'withdrawn', leaf, usage: NO_USAGE } as const;
    if (stored?.status === 'queued' && (await this.withdraw(turnId, withdrawn))) return withdrawn;
    await turns.signal({ turnId, signalId: 'cancel', value: secrets.redactText(reason) });
    return null;
  }

  /** Ends an input that waits and whose turn cannot begin, and resolves with its result; `null` if it does not wait any more. */
  async giveUp(turnId: string, error: LashError): Promise<TurnResult | null> {
    const { secrets, history } = this.#parts;
    const failed = { status: 'failed', reason: 'runtime_error', usage: NO_USAGE } as const;
    const wire = toWireError(secrets.redactError(error));
    const result: TurnResult = { ...failed, leaf: history.head.leaf, error: wire };
    return (await this.withdraw(turnId, result)) ? result : null;
  }

  /**
   * Answers what a turn asked, here or in a child session, and resolves with the answer that stands.
   *
   * @throws `TurnNotFound`, `SessionNotFound`
   */
  async answer(requestId: string, decision: ApprovalDecision): Promise<ApprovalDecision> {
    const [, child, asked] = CHILD_REQUEST_ID.exec(requestId) ?? [];
    if (child === undefined || asked === undefined)
      return await this.#answer(this.#parts.turns, requestId, decision);
    const { sessionStoreFactory: factory } = this.#parts.environment;
    const store = await factory.open(child, { kind: 'open' });
    try {
      const standing = await this.#answer(store.turns, asked, decision);
      factory.leases.publish(child, { kind: 'turns-changed' });
      return standing;
    } finally {
      await store.close();
    }
  }

  async #answer(turns: TurnStore, requestId: string, decision: ApprovalDecision): Promise<ApprovalDecision> {
    const { secrets, history } = this.#parts;
    const [, turnId, signalId] = REQUEST_ID.exec(requestId) ?? [];
    if (turnId === undefined || signalId === undefined) {
      const message = `No turn asked ${JSON.stringify(requestId)}`;
      throw new LashError('TurnNotFound', message, { sessionId: history.sessionId, turnId: requestId });
    }
    const value = secrets.redactJson(decision) as unknown as JsonValue;
    const standing = await turns.signal({ turnId, signalId, value });
    return standing.value as unknown as ApprovalDecision;
  }
}
