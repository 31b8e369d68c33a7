import type { SessionLease } from '../contract/lease.ts';
import type { SessionStore, SessionStoreFactory } from '../contract/store.ts';
import type { TurnStore } from '../contract/turn-store.ts';
import { standIn } from './stand-in.ts';

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
  readonly death: Promise<void>;
  readonly kill: () => Promise<void>;
}

const WRITES = ['commit', 'takeLease', 'accept', 'record', 'signal', 'move', 'withdraw'] as const;

const never = async (): Promise<never> => await new Promise(() => undefined);

/** A tab on `origin`, which dies where `death` says, or when it is killed. */
export function mortalTab(origin: SessionStoreFactory, death?: Death): MortalTab {
  const writes: string[] = [];
  const leases = new Set<SessionLease>();
  let dead = false;
  let tellDeath = (): void => undefined;
  const died = new Promise<void>((resolve) => {
    tellDeath = resolve;
  });
  const kill = async (): Promise<void> => {
    dead = true;
    await Promise.all([...leases].map(async (lease) => await lease.release()));
    tellDeath();
  };
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, key) {
        const value: unknown = Reflect.get(object, key, object);
        if (key === 'turns') return wrap(value as TurnStore);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          if (dead) return await never();
          const isWrite = WRITES.includes(key as (typeof WRITES)[number]);
          const at = isWrite ? writes.push(String(key)) - 1 : -1;
          const dies = at >= 0 && at === death?.write;
          if (dies && death.when === 'before') await kill();
          if (dead) return await never();
          const result = (await Reflect.apply(value, object, args)) as unknown;
          if (dies) await kill();
          if (dead) return await never();
          return result;
        };
      },
    });
  const factory = standIn(origin, {
    open: async (sessionId, mode) => {
      if (dead) return await never();
      return wrap<SessionStore>(await origin.open(sessionId, mode));
    },
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
  return { factory, writes, isDead: () => dead, death: died, kill };
}
