import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';

/**
 * Where in a transaction a worker is killed: before it begins; when all its requests were answered and nothing was told
 * to commit; right after it was told to; when it is complete and nobody knows yet.
 */
export const POINTS = ['before', 'open', 'told', 'complete'] as const;

/** A point of the n-th writing transaction of a run. */
export interface Boundary {
  readonly transaction: number;
  readonly point: (typeof POINTS)[number];
}

/** A key that no row has. */
const NO_KEY = [''];

/** Counts the writing transactions of a database and holds its worker at one boundary for ever. */
export class Gate {
  /** Resolves when the worker is held. */
  readonly reached: Promise<void>;
  /** The stores of each transaction. */
  readonly stores: string[] = [];
  /** The numbers of the transactions that undid themselves. */
  readonly failed: number[] = [];
  #arrive: () => void = () => undefined;

  /** `onEnd` is called after each writing transaction, whether it did what it was for or not. */
  constructor(database: IndexedDbDatabase, stopAt?: Boundary, onEnd?: () => Promise<void>) {
    this.reached = new Promise((resolve) => (this.#arrive = resolve));
    const run = database.transaction.bind(database);
    database.transaction = async (options, body) => {
      if (options.mode === 'readonly') return await run(options, body);
      const number = this.stores.push(options.stores.join(' ')) - 1;
      const point = stopAt?.transaction === number ? stopAt.point : undefined;
      if (point === 'before') return await this.#hold();
      if (point === 'told') afterCommit(this.#arrive);
      try {
        const result = await run(options, async (rows) => {
          const value = await body(rows);
          if (point !== 'open') return value;
          this.#arrive();
          for (const store = options.stores[0] ?? 'heads'; ;) await rows.get(store, NO_KEY);
        });
        if (point !== undefined) await this.#hold();
        return result;
      } catch (error) {
        this.failed.push(number);
        throw error;
      } finally {
        await onEnd?.();
      }
    };
  }

  #hold(): Promise<never> {
    this.#arrive();
    return new Promise(() => undefined);
  }
}

/** Calls `action` right after the next writing transaction was told to commit; what fails before that does not count. */
function afterCommit(action: () => void): void {
  const { prototype } = IDBTransaction;
  const commit: (this: IDBTransaction) => void = Reflect.get(prototype, 'commit');
  prototype.commit = function (this: IDBTransaction): void {
    commit.call(this);
    if (this.mode === 'readonly') return;
    prototype.commit = commit;
    action();
  };
}
