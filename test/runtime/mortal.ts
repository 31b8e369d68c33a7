import type { SessionLease } from '../../src/contract/lease.ts';
import type { SessionStore, SessionStoreFactory } from '../../src/contract/store.ts';
import type { TurnStore } from '../../src/contract/turn-store.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import { standIn } from '../../src/testing/stand-in.ts';

/** Where a tab dies: at its n-th write to storage, before it or with the answer lost. */
export interface Death {
  readonly write: number;
  readonly when: 'before' | 'after';
}

/** A tab's way to shared storage, until it dies: then nothing is answered any more, and its leases are free. */
export interface MortalTab {
  readonly factory: SessionStoreFactory;
  /** The names of its writes so far. */
  readonly writes: readonly string[];
  readonly isDead: () => boolean;
  /** Resolves once it is dead. */
  readonly whenDead: Promise<void>;
  readonly kill: () => Promise<void>;
}

const WRITES = ['commit', 'takeLease', 'accept', 'record', 'signal', 'move', 'withdraw'] as const;

const never = async (): Promise<never> => await new Promise(() => undefined);

/** A tab on `origin`, which dies where `death` says, or when it is killed. */
export function mortalTab(origin: SessionStoreFactory, death?: Death): MortalTab {
  const writes: string[] = [];
  const leases = new Set<SessionLease>();
  let dead = false;
  const over = new Deferred<void>();
  const kill = async (): Promise<void> => {
    dead = true;
    over.resolve();
    await Promise.all([...leases].map(async (lease) => await lease.release()));
  };
  const write = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (dead) return await never();
    const dies = writes.push(name) - 1 === death?.write;
    if (dies && death.when === 'before') await kill();
    if (dead) return await never();
    const result = await work();
    if (dies) await kill();
    return dead ? await never() : result;
  };
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, key) {
        const value: unknown = Reflect.get(object, key, object);
        if (key === 'turns') return wrap(value as TurnStore);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          const work = async (): Promise<unknown> => (await Reflect.apply(value, object, args)) as unknown;
          if (WRITES.includes(key as (typeof WRITES)[number])) return await write(String(key), work);
          if (dead) return await never();
          const result = await work();
          return dead ? await never() : result;
        };
      },
    });
  const factory = standIn(origin, {
    persistent: true,
    database: 'test',
    open: async (sessionId, mode) => {
      const open = async (): Promise<SessionStore> => wrap(await origin.open(sessionId, mode));
      if (mode.kind === 'create') return await write('create', open);
      return dead ? await never() : await open();
    },
    beginImport: async (sessionId, mode) => {
      if (dead) return await never();
      const made = await origin.beginImport(sessionId, mode);
      return {
        ...made,
        store: wrap(made.store),
        publish: async (leaf) => await write('publish', async () => await made.publish(leaf)),
        abandon: async () => (dead ? await never() : await made.abandon()),
      };
    },
    delete: async (sessionId, options) =>
      await write('delete', async () => await origin.delete(sessionId, options)),
    leases: standIn(origin.leases, {
      acquire: async (sessionId, options) => {
        if (dead) return await never();
        const lease = await origin.leases.acquire(sessionId, options);
        if (lease !== null) leases.add(lease);
        return lease;
      },
      publish: (sessionId, notice, except) => {
        if (!dead) origin.leases.publish(sessionId, notice, except);
      },
      subscribe: (sessionId, listener) =>
        origin.leases.subscribe(sessionId, (notice) => {
          if (!dead) listener(notice);
        }),
    }),
  });
  return { factory, writes, isDead: () => dead, whenDead: over.promise, kill };
}
