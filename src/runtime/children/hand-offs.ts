import type { HandOffRequest } from '../../contract/child-sessions.ts';
import { isLashError } from '../../core/error.ts';
import type { SessionParent } from '../../core/session-parent.ts';
import { deleteSessions } from '../delete-sessions.ts';
import type { ChildCall, EndedTurn } from './child-call.ts';
import type { ChildEngine } from './child-engine.ts';
import { successorPrefix } from './child-names.ts';
import { acceptFirst, FIRST_TURN } from './create-child.ts';

/** The sessions that the turns of one session pass the conversation on to. */
export class HandOffs {
  readonly #engine: ChildEngine;
  /** The turns that have made one here. */
  readonly #turns = new Set<string>();

  constructor(engine: ChildEngine) {
    this.#engine = engine;
  }

  /**
   * Makes the session that goes on in place of this one, with its first input in its queue, unless it is there (rule CH6).
   * Resolves with its id.
   *
   * @throws `OperationConflict` where it is there with another input, `InvalidInput`, and what creating throws
   */
  async make(call: ChildCall, request: HandOffRequest): Promise<string> {
    const { meta, environment } = this.#engine.parent;
    const { title = meta.title, start = { kind: 'empty' }, input: firstInput } = request;
    const depth = meta.parent?.depth ?? 0;
    const parent: SessionParent = {
      sessionId: meta.sessionId,
      relation: 'handoff',
      source: 'handoff',
      depth,
    };
    const policy = this.#engine.policy(call, request.policy ?? {});
    this.#turns.add(call.turnId);
    const prefix = await successorPrefix(meta.sessionId, call.turnId);
    return await this.#engine.make(
      { prefix, key: call.effect },
      async (sessionId) => {
        const store = await environment.sessionStoreFactory.open(sessionId, { kind: 'open' });
        await acceptFirst(this.#engine.parent, store, firstInput).finally(async () => await store.close());
        return sessionId;
      },
      async (sessionId) => {
        await this.#engine.create(call, { sessionId, title, policy, parent, start, firstInput });
        environment.sessionStoreFactory.leases.publish(sessionId, { kind: 'turns-changed' });
      },
    );
  }

  /** Deletes those that the turn does not name, unless somebody goes on with them already. */
  async settle({ turnId, successor, isAgain }: EndedTurn): Promise<void> {
    if (!this.#turns.has(turnId) && !isAgain) return;
    const { meta, environment } = this.#engine.parent;
    const prefix = await successorPrefix(meta.sessionId, turnId);
    for await (const { sessionId, parent } of this.#engine.all()) {
      const isOfTurn = parent?.relation === 'handoff' && sessionId.startsWith(prefix);
      if (!isOfTurn || sessionId === successor) continue;
      if (await this.#isUntouched(sessionId)) await deleteSessions(environment, sessionId);
    }
    this.#turns.delete(turnId);
  }

  async #isUntouched(sessionId: string): Promise<boolean> {
    const { sessionStoreFactory: factory } = this.#engine.parent.environment;
    try {
      const store = await factory.open(sessionId, { kind: 'open' });
      const [first] = await store.turns.pending().finally(async () => await store.close());
      return first?.turnId === FIRST_TURN && first.status === 'queued';
    } catch (error) {
      if (isLashError(error, 'SessionNotFound') || isLashError(error, 'SessionDeleted')) return false;
      throw error;
    }
  }
}
