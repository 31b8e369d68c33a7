import type { SessionImport, SessionStore, SessionStoreFactory } from '../contract/store.ts';
import { isLashError, LashError } from '../core/error.ts';
import type { SessionSummary } from '../core/policy.ts';
import { createMode } from './author.ts';
import { memoryStoreContext } from './memory-store-context.ts';
import { changed, type StoreMutant, withFactories, withStores } from './mutant.ts';
import { orphansOf } from './store-context.ts';

/** A mutant whose factories are changed, whatever the context. */
function factories(
  name: string,
  breaks: string,
  change: (factory: SessionStoreFactory) => Partial<SessionStoreFactory>,
): StoreMutant {
  return { name, breaks, make: (context) => withFactories(context, change) };
}

/** The store of a session that is kept open when it is deleted: it answers loads from what it saw last. */
function remembering(store: SessionStore): Partial<SessionStore> {
  let seen: Awaited<ReturnType<SessionStore['load']>> | undefined;
  return {
    load: async (scope) => {
      try {
        seen = await store.load(scope);
        return seen;
      } catch (error) {
        if (seen === undefined || !isLashError(error, 'SessionDeleted')) throw error;
        return seen;
      }
    },
  };
}

/** An import that is an ordinary session from the start. */
async function openImport(
  factory: SessionStoreFactory,
  ...[sessionId, mode]: Parameters<SessionStoreFactory['beginImport']>
): Promise<SessionImport> {
  const store = await factory.open(sessionId, mode);
  return {
    store,
    publish: async (leaf) => {
      const { head, epoch } = await store.load({ kind: 'head' });
      const change = { kind: 'branch', leaf } as const;
      const operationId = crypto.randomUUID();
      await store.commit({ operationId, expectedRevision: head.revision, epoch, change, usage: [] });
    },
    abandon: () => factory.delete(sessionId),
  };
}

/** Factories whose sessions live or end wrongly: laws ST3, ST6, ST12, ST13, ST16, ST19 and LE1–LE3. */
export const lifetimeMutants: readonly StoreMutant[] = [
  {
    name: 'a deleted session is still read by open handles',
    breaks: 'ST12: open handles get SessionDeleted',
    make: (context) => withStores(context, remembering),
  },
  {
    name: 'a deleted session is still written by upkeep',
    breaks: 'ST12: every write surface is fenced',
    make: (context) =>
      withStores(context, (store) => ({
        tombstoneNodes: async (ids) => {
          try {
            return await store.tombstoneNodes(ids);
          } catch (error) {
            if (!isLashError(error, 'SessionDeleted')) throw error;
            return { status: 'NothingToDo', tombstoned: [], refused: [] };
          }
        },
      })),
  },
  {
    name: 'the id of a deleted session is used again',
    breaks: 'ST12: an id is used once',
    make: (context) => {
      const lives = new Map<string, number>();
      const idOf = (sessionId: string): string => {
        const life = lives.get(sessionId) ?? 0;
        return life === 0 ? sessionId : `${sessionId}~${life}`;
      };
      return withFactories(context, (factory) => ({
        open: (sessionId, mode) => factory.open(idOf(sessionId), mode),
        delete: async (sessionId, options) => {
          await factory.delete(idOf(sessionId), options);
          lives.set(sessionId, (lives.get(sessionId) ?? 0) + 1);
        },
      }));
    },
  },
  factories('a second deletion fails', 'ST12: deleting it again is fine', (factory) => ({
    delete: async (sessionId, options) => {
      await factory.open(sessionId, { kind: 'open' });
      await factory.delete(sessionId, options);
    },
  })),
  factories('fences last', 'ST12: one transaction fences and hides it first', (factory) => ({
    delete: async (sessionId, options) => {
      await options?.alsoDelete?.(sessionId);
      await factory.delete(sessionId);
    },
  })),
  factories('forgets deletions that were interrupted', 'ST12: a deletion is gone on with', () => ({
    finishDeletions: async () => [],
  })),
  factories(
    'an import takes the lease of a name that a session may have',
    'LE1: an import holds the lease of its own session',
    (factory) => ({
      beginImport: async (sessionId, mode) => {
        const lease = await factory.leases.acquire(`import:${sessionId}`);
        if (lease === null) throw new LashError('SessionExists', 'it is imported', { sessionId });
        return factory.beginImport(sessionId, mode);
      },
    }),
  ),
  factories('takes what goes on for interrupted', 'ST13: an import that goes on is left alone', (factory) => {
    const begun = new Map<string, SessionImport>();
    return {
      beginImport: async (sessionId, mode) => {
        const started = await factory.beginImport(sessionId, mode);
        begun.set(sessionId, started);
        return started;
      },
      finishDeletions: async (options) => {
        for (const started of begun.values()) await started.abandon();
        return [...begun.keys(), ...(await factory.finishDeletions(options))];
      },
    };
  }),
  factories(
    'an import shows from the start',
    'ST13: an import is hidden until it is published',
    (factory) => ({
      beginImport: (sessionId, mode) => openImport(factory, sessionId, mode),
    }),
  ),
  {
    name: 'lists what is hidden',
    breaks: 'ST13: no list shows a session that is being imported',
    make: (context) => {
      const hidden: SessionSummary[] = [];
      return withFactories(context, (factory) => ({
        beginImport: async (sessionId, mode) => {
          const { title, at } = mode;
          const begun = await factory.beginImport(sessionId, mode);
          hidden.push({ sessionId, title, createdAt: at, updatedAt: at, nodeCount: 0, bytes: 0 });
          return begun;
        },
        list: async (page) => {
          const { items, next } = await factory.list(page);
          return { items: [...items, ...hidden], next };
        },
      }));
    },
  },
  factories(
    'an import is published without its branches',
    'ST13: an import is published whole',
    (factory) => ({
      beginImport: async (sessionId, mode) => {
        const begun = await factory.beginImport(sessionId, mode);
        const publish = async (leaf: string | null): Promise<void> => {
          await begun.publish(leaf);
          await begun.store.tombstoneNodes(await orphansOf(begun.store));
        };
        return { ...begun, publish };
      },
    }),
  ),
  factories('lists the oldest first', 'ST19: sessions are listed newest first', (factory) => ({
    list: async (page) => {
      const { items, next } = await factory.list(page);
      return { items: items.toReversed(), next };
    },
  })),
  factories('the ordinary list is that of all', 'ST19: a child is no ordinary session', (factory) => ({
    list: ({ parent, ...page }) => factory.list(typeof parent === 'string' ? { ...page, parent } : page),
  })),
  factories('a successor is no ordinary session', 'ST19: a handoff goes on as one', (factory) => ({
    list: async (query) => {
      const { items, next } = await factory.list(query);
      return query.parent === null
        ? { items: items.filter((item) => item.parent === undefined), next }
        : { items, next };
    },
  })),
  factories('a parent that cannot be read has no children', 'ST6: damage hides no other', (factory) => ({
    list: async (query) => {
      if (typeof query.parent === 'string') await factory.open(query.parent, { kind: 'open' });
      return factory.list(query);
    },
  })),
  factories('children go with their parent', 'ST12: one session is deleted', (factory) => ({
    delete: async (sessionId, options) => {
      const { items } = await factory.list({ parent: sessionId });
      await factory.delete(sessionId, options);
      for (const child of items) await factory.delete(child.sessionId);
    },
  })),
  factories("an import is nobody's child", 'ST13: an import is published with its parent', (factory) => ({
    beginImport: (sessionId, { parent: _parent, ...mode }) => factory.beginImport(sessionId, mode),
  })),
  {
    name: 'a new title takes the parent away',
    breaks: 'ST3: a parent never changes',
    make: (context) =>
      withStores(context, (store) => ({
        saveSessionMeta: async (change) => {
          const { parent: _parent, ...meta } = await store.saveSessionMeta(change);
          return meta;
        },
      })),
  },
  {
    name: 'a new title makes a revision',
    breaks: 'ST3: title and policy are independent of the head',
    make: (context) =>
      withStores(context, (store) => ({
        saveSessionMeta: async (change) => {
          const { head, epoch } = await store.load({ kind: 'head' });
          const operationId = crypto.randomUUID();
          const unchanged = { kind: 'unchanged' } as const;
          const request = {
            operationId,
            expectedRevision: head.revision,
            epoch,
            change: unchanged,
            usage: [],
          };
          await store.commit(request);
          return store.saveSessionMeta(change);
        },
      })),
  },
  {
    name: 'a closed handle goes on',
    breaks: 'ST3: a closed handle answers SessionClosed',
    make: (context) => withStores(context, () => ({ close: async () => undefined })),
  },
  {
    name: 'every connection is another database',
    breaks: 'ST16: a database keeps its id',
    make: (context) =>
      withFactories(context, () => {
        const databaseId = crypto.randomUUID();
        return { databaseId: async () => databaseId };
      }),
  },
  factories('everybody gets the lease', 'LE1: one holds a lease at a time', ({ leases }) => ({
    leases: changed(leases, { acquire: (sessionId) => leases.acquire(sessionId, { force: true }) }),
  })),
  factories('a lease is lost in silence', 'LE2: a lease that was taken away says so', ({ leases }) => ({
    leases: changed(leases, {
      acquire: async (sessionId, options) => {
        const lease = await leases.acquire(sessionId, options);
        return lease && { release: () => lease.release(), lost: new AbortController().signal };
      },
    }),
  })),
  factories(
    'whoever lost the lease frees it',
    'LE2: giving up a lost lease takes nothing away',
    ({ leases }) => ({
      leases: changed(leases, {
        acquire: async (sessionId, options) => {
          const lease = await leases.acquire(sessionId, options);
          const release = async (): Promise<void> => {
            const mine = await leases.acquire(sessionId, { force: true });
            await mine?.release();
          };
          return lease && { release, lost: lease.lost };
        },
      }),
    }),
  ),
  factories('notices never end', 'LE3: the returned function ends a subscription', ({ leases }) => ({
    leases: changed(leases, {
      subscribe: (sessionId, listener) => {
        leases.subscribe(sessionId, listener);
        return () => undefined;
      },
    }),
  })),
  factories('opening makes a session', 'ST3: an unknown session is SessionNotFound', (factory) => ({
    open: async (sessionId, mode) => {
      try {
        return await factory.open(sessionId, mode);
      } catch (error) {
        if (!isLashError(error, 'SessionNotFound')) throw error;
        return factory.open(sessionId, createMode());
      }
    },
  })),
  factories('creating opens what is there', 'ST3: a session is created once', (factory) => ({
    open: async (sessionId, mode) => {
      try {
        return await factory.open(sessionId, mode);
      } catch (error) {
        if (!isLashError(error, 'SessionExists')) throw error;
        return factory.open(sessionId, { kind: 'open' });
      }
    },
  })),
  factories('publishing twice is fine', 'ST13: an import is published once', (factory) => ({
    beginImport: async (sessionId, mode) => {
      const begun = await factory.beginImport(sessionId, mode);
      const publish = async (leaf: string | null): Promise<void> => {
        try {
          await begun.publish(leaf);
        } catch (error) {
          if (!isLashError(error, 'SessionExists')) throw error;
        }
      };
      return { ...begun, publish };
    },
  })),
  factories('trims session ids', 'ST3: a session id may hold any character', (factory) => ({
    open: (sessionId, mode) => factory.open(sessionId.trim(), mode),
  })),
  factories('a deletion of nothing is fine', 'ST12: an unknown session is SessionNotFound', (factory) => ({
    delete: async (sessionId, options) => {
      try {
        await factory.delete(sessionId, options);
      } catch (error) {
        if (!isLashError(error, 'SessionNotFound')) throw error;
      }
    },
  })),
  factories('an import takes any id', 'ST13: an import takes no id that is used', (factory) => ({
    beginImport: async (sessionId, mode) => {
      try {
        return await factory.beginImport(sessionId, mode);
      } catch (error) {
        if (!isLashError(error, 'SessionExists')) throw error;
        return factory.beginImport(crypto.randomUUID(), mode);
      }
    },
  })),
  factories('lists what is sound', 'ST6: damage hides no session', (factory) => ({
    list: async (page) => {
      const { items, next } = await factory.list(page);
      return { items: items.filter((item) => item.damage === undefined), next };
    },
  })),
  factories('a damaged session ends the list', 'ST6: damage hides no other session', (factory) => ({
    list: async (page) => {
      const { items, next } = await factory.list(page);
      const broken = items.find((item) => item.damage !== undefined);
      if (broken !== undefined) await factory.open(broken.sessionId, { kind: 'open' });
      return { items, next };
    },
  })),
  factories('lists what has nodes', 'ST19: a session is listed before its first commit', (factory) => ({
    list: async (page) => {
      const { items, next } = await factory.list(page);
      return { items: items.filter((item) => item.nodeCount > 0), next };
    },
  })),
  {
    name: 'begins empty when it is opened again',
    breaks: 'ST14: what was acknowledged is there for everyone',
    make: (context) => ({ ...context, reopen: async () => memoryStoreContext().factory }),
  },
];
