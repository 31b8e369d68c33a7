import type { SessionStore, SessionStoreFactory } from '../contract/store.ts';
import type { SessionStoreContext } from './store-context.ts';

/** A broken implementation of a socket: its suite must fail it, or the suite checks too little. */
export interface Mutant<Context> {
  readonly name: string;
  /** The law that it breaks, with what that says. */
  readonly breaks: string;
  /** The broken implementation, around a sound one on which nothing is stored yet. */
  readonly make: (context: Context) => Context;
}

/** A broken session store. */
export type StoreMutant = Mutant<SessionStoreContext>;

/** `sound` with some of its members changed. */
export function changed<T extends object>(sound: T, members: Partial<T>): T {
  return new Proxy(sound, {
    get: (target, key): unknown => {
      if (Object.hasOwn(members, key)) return Reflect.get(members, key);
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** A context whose factories are changed, each tab's alike. */
export function withFactories(
  context: SessionStoreContext,
  change: (factory: SessionStoreFactory) => Partial<SessionStoreFactory>,
): SessionStoreContext {
  const make = (factory: SessionStoreFactory): SessionStoreFactory => changed(factory, change(factory));
  return {
    ...context,
    factory: make(context.factory),
    reopen: async () => make(await context.reopen()),
  };
}

/** A context whose stores are changed, those of imports included. */
export function withStores(
  context: SessionStoreContext,
  change: (store: SessionStore, factory: SessionStoreFactory) => Partial<SessionStore>,
): SessionStoreContext {
  return withFactories(context, (factory) => ({
    open: async (sessionId, mode) => {
      const store = await factory.open(sessionId, mode);
      return changed(store, change(store, factory));
    },
    beginImport: async (sessionId, mode) => {
      const begun = await factory.beginImport(sessionId, mode);
      return { ...begun, store: changed(begun.store, change(begun.store, factory)) };
    },
  }));
}
