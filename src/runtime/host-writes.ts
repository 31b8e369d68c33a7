import type { History } from './history/history.ts';
import type { InOrder } from './in-order.ts';
import type { SessionTabs } from './tabs/session-tabs.ts';
import type { SessionTurns } from './turn/session-turns.ts';

/** What a host's writes happen on. */
export interface WritableSession {
  readonly history: History;
  turns(): SessionTurns;
  tabs(): SessionTabs;
  /** @throws `ReadOnly`, `SessionClosed` */
  refuseReadOnly(): void;
}

/** What a host changes in a session: one change after the other, and those of the history never during a turn. */
export class HostWrites {
  readonly #session: WritableSession;
  readonly #order: InOrder;
  readonly #maintenance: InOrder;

  constructor(session: WritableSession, order: InOrder, maintenance: InOrder) {
    this.#session = session;
    this.#order = order;
    this.#maintenance = maintenance;
  }

  /** Changes the history, under the writer's lease. @throws `TurnRunning`, and what taking the lease throws */
  async commit<T>(change: (history: History) => Promise<T>): Promise<T> {
    const { history } = this.#session;
    const turns = this.#session.turns();
    const write = async (): Promise<T> => {
      await turns.refuseBegun();
      return await change(history);
    };
    return await turns.settled(async () => {
      this.#session.refuseReadOnly();
      turns.refuseRunning();
      return await this.#order.run(async () => await this.#session.tabs().write(false, write));
    });
  }

  /** Changes what has nothing to do with the head. */
  async beside<T>(write: () => Promise<T>): Promise<T> {
    this.#session.refuseReadOnly();
    return await this.#order.run(write);
  }

  /** Changes what the session is called, or run with, and tells the other tabs. */
  async settings(change: () => Promise<void>): Promise<void> {
    await this.beside(change);
    this.#session.tabs().announce({ kind: 'meta-changed' });
  }

  /** Maintains the store, also during a turn, and shows what that did to the head. */
  async maintain<T>(work: () => Promise<T>): Promise<T> {
    return await this.#maintenance.run(async () => {
      try {
        return await work();
      } finally {
        // How `work` ended is what the caller has to hear; that this was not seen is not.
        await this.#session.history.follow().catch(() => undefined);
        this.#session.tabs().announce({ kind: 'changed' });
      }
    });
  }

  /** Resolves when nothing is being maintained. */
  get maintained(): Promise<unknown> {
    return this.#maintenance.idle;
  }

  /** Takes the lease, from whoever says that it is busy too with `force`. */
  async takeOver(force: boolean): Promise<void> {
    this.#session.refuseReadOnly();
    const turns = this.#session.turns();
    await turns.settled(async () => {
      if (turns.running !== null) return;
      await this.#order.run(async () => await this.#session.tabs().write(force, async () => undefined));
    });
  }
}
