import type { AttachmentStore } from '../contract/attachments.ts';
import type { SessionStore } from '../contract/store.ts';
import type { RefusalReason, TombstoneReport } from '../core/maintenance.ts';
import type { SessionNode } from '../core/node.ts';
import { putText } from './attached.ts';
import { shows } from './attachment-context.ts';
import { createMode } from './author.ts';
import { memoryStoreContext } from './memory-store-context.ts';
import { changed, type StoreMutant, withStores } from './mutant.ts';
import { orphansOf, type SessionStoreContext } from './store-context.ts';

/** Tombstones what the sound store refuses for this reason. */
function tombstonesThe(reason: RefusalReason): StoreMutant['make'] {
  return (context) =>
    withStores(context, (store) => ({
      tombstoneNodes: async (ids): Promise<TombstoneReport> => {
        const report = await store.tombstoneNodes(ids);
        const taken = report.refused.filter((node) => node.reason === reason).map((node) => node.nodeId);
        for (const nodeId of taken) await context.damage?.('tombstoned', store.sessionId, nodeId);
        const refused = report.refused.filter((node) => node.reason !== reason);
        const tombstoned = [...report.tombstoned, ...taken];
        return { status: refused.length === 0 ? 'Swept' : 'Incomplete', tombstoned, refused };
      },
    }));
}

async function unchangedCommit(store: SessionStore): Promise<void> {
  const { head, epoch } = await store.load({ kind: 'head' });
  const operationId = crypto.randomUUID();
  const change = { kind: 'unchanged' } as const;
  await store.commit({ operationId, expectedRevision: head.revision, epoch, change, usage: [] });
}

/** Makes a session whose only node refers to an attachment, so that a sweep sees a root. */
async function plantRoot({ factory, attachments }: SessionStoreContext): Promise<void> {
  const store = await factory.open(crypto.randomUUID(), createMode());
  const nodes = [shows(await putText(attachments, 'a root that was planted'))];
  const change = { kind: 'append', parentId: null, nodes } as const;
  await store.commit({ operationId: 'plant', expectedRevision: 0, epoch: 0, change, usage: [] });
}

/** A mutant whose stores are changed, whatever the context. */
function stores(
  name: string,
  breaks: string,
  change: (store: SessionStore) => Partial<SessionStore>,
): StoreMutant {
  return { name, breaks, make: (context) => withStores(context, change) };
}

/** Stores whose upkeep is wrong: laws ST8–ST11. */
export const maintenanceMutants: readonly StoreMutant[] = [
  {
    name: 'tombstone trusts its caller',
    breaks: 'ST8: what a root reaches is refused',
    make: tombstonesThe('reachable'),
  },
  {
    name: 'tombstone looks at no descendants',
    breaks: 'ST8: a node with live descendants is refused',
    make: tombstonesThe('live-descendants'),
  },
  stores('tombstone takes all or nothing', 'ST8: what is refused is refused by id', (store) => ({
    tombstoneNodes: async (ids) => {
      const orphans = new Set(await orphansOf(store));
      return store.tombstoneNodes(ids.every((id) => orphans.has(id)) ? ids : ['nobody.0']);
    },
  })),
  {
    name: 'tombstoned nodes are still read',
    breaks: 'ST8: a tombstoned node is invisible to every read',
    make: (context) => {
      const seen = new Map<string, SessionNode>();
      return withStores(context, (store) => ({
        tombstoneNodes: async (ids) => {
          const { nodes } = await store.load({ kind: 'all' });
          for (const node of nodes) seen.set(JSON.stringify([store.sessionId, node.id]), node);
          return store.tombstoneNodes(ids);
        },
        loadNode: async (nodeId) =>
          seen.get(JSON.stringify([store.sessionId, nodeId])) ?? store.loadNode(nodeId),
      }));
    },
  },
  stores('tombstones make a revision', 'ST8: upkeep moves no revision', (store) => ({
    tombstoneNodes: async (ids) => {
      const report = await store.tombstoneNodes(ids);
      await unchangedCommit(store);
      return report;
    },
  })),
  stores('lists ancestors first', 'ST8: descendants are listed before their ancestors', (store) => ({
    orphanedNodeIds: async (page) => {
      const { items, next } = await store.orphanedNodeIds(page);
      return { items: items.toReversed(), next };
    },
  })),
  stores('counts pages by number', 'ST8: pages of a listing can be tombstoned one by one', (store) => ({
    orphanedNodeIds: async ({ after = '0', limit = 100, ...rest } = {}) => {
      await store.orphanedNodeIds({ limit, ...rest });
      const all = await orphansOf(store, rest);
      const end = Number(after) + limit;
      return { items: all.slice(Number(after), end), next: end < all.length ? String(end) : null };
    },
  })),
  {
    name: 'a pin is ignored',
    breaks: 'ST8: pins are roots',
    make: (context) => {
      const pins = new Map<string, Set<string>>();
      return withStores(context, (store) => ({
        pin: async (nodeId) => {
          await store.locate(nodeId);
          pins.set(store.sessionId, (pins.get(store.sessionId) ?? new Set()).add(nodeId));
        },
        unpin: async (nodeId) => {
          pins.get(store.sessionId)?.delete(nodeId);
        },
        inventory: async () => ({
          ...(await store.inventory()),
          pins: [...(pins.get(store.sessionId) ?? [])],
        }),
      }));
    },
  },
  stores('vacuum takes live nodes with it', 'ST9: vacuum removes only what is tombstoned', (store) => ({
    vacuum: async (options) => {
      await store.tombstoneNodes((await orphansOf(store)).slice(0, 1000));
      return store.vacuum(options);
    },
  })),
  {
    name: 'vacuum of every session',
    breaks: 'ST9: vacuum is bound to its session',
    make: (context) =>
      withStores(context, (store, factory) => ({
        vacuum: async (options) => {
          const report = await store.vacuum(options);
          for (const { sessionId } of (await factory.list({})).items)
            await (await factory.open(sessionId, { kind: 'open' })).vacuum();
          return report;
        },
      })),
  },
  stores('vacuum only says so', 'ST9: what is tombstoned is removed', (store) => ({
    vacuum: async () => {
      const { tombstoned } = await store.inventory();
      const report = { removedNodes: tombstoned, removedRows: tombstoned, removedBytes: 0, keptNodes: 0 };
      return { status: tombstoned === 0 ? 'NothingToDo' : 'Swept', ...report };
    },
  })),
  stores('vacuum cannot be stopped', 'ST9: a vacuum can be interrupted and continued', (store) => ({
    vacuum: () => store.vacuum(),
  })),
  stores('vacuum hides what it kept', 'ST9: what it must keep it reports', (store) => ({
    vacuum: async (options) => ({ ...(await store.vacuum(options)), keptNodes: 0 }),
  })),
  {
    name: 'the sweep trusts an empty root set',
    breaks: 'ST10: a sweep that finds no roots while blobs exist refuses',
    make: (context) =>
      withStores(context, (store) => ({
        gcUnreachable: async (options) => {
          const report = await store.gcUnreachable(options);
          if (report.attachments.status !== 'Refused') return report;
          await plantRoot(context);
          return store.gcUnreachable(options);
        },
      })),
  },
  stores('the sweep goes by age alone', 'ST10: age delays a deletion and never authorises one', (store) => ({
    gcUnreachable: async (options) => {
      await store.takeLease();
      return store.gcUnreachable(options);
    },
  })),
  stores('the sweep cannot be stopped', 'ST10: a sweep that was stopped is Incomplete', (store) => ({
    gcUnreachable: (options) => {
      const { keepYoungerThanMs } = options ?? {};
      return store.gcUnreachable(keepYoungerThanMs === undefined ? {} : { keepYoungerThanMs });
    },
  })),
  stores('the sweep hides what it removed', 'CP3: what is removed is reported', (store) => ({
    gcUnreachable: async (options) => {
      const report = await store.gcUnreachable(options);
      return { ...report, components: { ...report.components, removed: 0 } };
    },
  })),
  stores('the sweep does not wait', 'ST10: what is young stays', (store) => ({
    gcUnreachable: (options) => store.gcUnreachable({ ...options, keepYoungerThanMs: 0 }),
  })),
  {
    name: 'the sweep ignores intents',
    breaks: 'AT6: what was put for a session stays while its commit can still come',
    make: (context) => ({
      ...context,
      attachments: changed<AttachmentStore>(context.attachments, {
        put: (bytes, meta) => context.attachments.put(bytes, meta),
      }),
    }),
  },
  {
    name: 'adopts without looking for the bytes',
    breaks: 'ST11: a committed reference never lacks its bytes',
    make: () => memoryStoreContext({ adopts: false }),
  },
];
