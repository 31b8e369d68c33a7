import type { Checkpoint, CheckpointChange } from '../contract/checkpoint.ts';
import type { CommitRequest, LoadScope, SessionSnapshot, SessionStore } from '../contract/store.ts';
import { isLashError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import type { SessionNode } from '../core/node.ts';
import { type StoreMutant, withStores } from './mutant.ts';

/** A mutant that loads in its own way. */
function loads(
  name: string,
  breaks: string,
  load: (store: SessionStore, scope: LoadScope) => Promise<SessionSnapshot>,
): StoreMutant {
  return {
    name,
    breaks,
    make: (context) => withStores(context, (store) => ({ load: (scope) => load(store, scope) })),
  };
}

/** A mutant that changes the checkpoint of a commit. */
function checkpoints(
  name: string,
  breaks: string,
  change: (store: SessionStore, given: CheckpointChange) => Promise<CheckpointChange>,
): StoreMutant {
  return {
    name,
    breaks,
    make: (context) =>
      withStores(context, (store) => ({
        commit: async (request) => {
          if (request.checkpoint === undefined) return store.commit(request);
          return store.commit({ ...request, checkpoint: await change(store, request.checkpoint) });
        },
      })),
  };
}

/** Stores that read wrongly: laws ST3, ST6, ST7 and ST19. */
export const readMutants: readonly StoreMutant[] = [
  loads('heals a damaged path', 'ST6: a path is returned whole or not at all', async (store, scope) => {
    try {
      return await store.load(scope);
    } catch (error) {
      if (scope.kind !== 'path' || !isLashError(error, 'StoredDataCorrupt')) throw error;
      return store.load({ ...scope, leaf: (await store.findSoundPath()).leaf });
    }
  }),
  {
    name: 'finds damaged paths sound',
    breaks: 'ST6: a person opens a path up to the last sound node',
    make: (context) =>
      withStores(context, (store) => ({
        findSoundPath: async () => ({ leaf: (await store.load({ kind: 'head' })).head.leaf, damage: null }),
      })),
  },
  loads('a new revision with an old path', 'ST7: a load is one snapshot', async (store, scope) => {
    const old = await store.load(scope);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const { head, epoch, ledger } = await store.load({ kind: 'head' });
    return { ...old, head, epoch, ledger };
  }),
  loads('reading raises the epoch', 'ST3: a load never raises the epoch', async (store, scope) => {
    const { epoch } = await store.load({ kind: 'head' });
    if (scope.kind === 'path' && epoch === 0) await store.takeLease();
    return store.load(scope);
  }),
  loads('pages from the wrong end', 'ST19: a page is the newest nodes', async (store, scope) => {
    if (scope.kind !== 'path' || scope.limit === undefined) return store.load(scope);
    const { limit, ...whole } = scope;
    const snapshot = await store.load(whole);
    return { ...snapshot, nodes: snapshot.nodes.slice(0, limit) };
  }),
  loads('depth counts every node', 'ST19: depth is that of the path', async (store, scope) => {
    const snapshot = await store.load(scope);
    return { ...snapshot, head: { ...snapshot.head, depth: snapshot.head.nodeCount } };
  }),
  {
    name: 'hands out what it keeps',
    breaks: 'ST1: what a caller changes in what was loaded is not stored',
    make: (context) => {
      const kept = new Map<string, SessionNode>();
      const keep = (store: SessionStore, node: SessionNode): SessionNode => {
        const key = JSON.stringify([store.sessionId, node.id]);
        const found = kept.get(key) ?? structuredClone(node);
        kept.set(key, found);
        return found;
      };
      return withStores(context, (store) => ({
        loadNode: async (nodeId) => keep(store, await store.loadNode(nodeId)),
        load: async (scope) => {
          const snapshot = await store.load(scope);
          return { ...snapshot, nodes: snapshot.nodes.map((node) => keep(store, node)) };
        },
      }));
    },
  },
  loads('forgets which turn wrote a node', 'ST1: a node is read as it was written', async (store, scope) => {
    const snapshot = await store.load(scope);
    const nodes = snapshot.nodes.map((node) => {
      if (node.body.kind !== 'conversation') return node;
      const { turnId: _, ...body } = node.body;
      return { ...node, body };
    });
    return { ...snapshot, nodes };
  }),
  loads('a ledger of one line', 'ST4: usage adds up by source and model', async (store, scope) => {
    const snapshot = await store.load(scope);
    return { ...snapshot, ledger: snapshot.ledger.slice(-1) };
  }),
  {
    name: 'a walk is in the order of writing',
    breaks: 'ST7: a walk goes on with what follows on a node',
    make: (context) =>
      withStores(context, (store) => ({
        walk: async (page) => {
          const [walk, all] = await Promise.all([store.walk(page), store.load({ kind: 'all' })]);
          const written = all.nodes.map((node) => node.id);
          const nodes = walk.nodes.toSorted((a, b) => written.indexOf(a.id) - written.indexOf(b.id));
          return { ...walk, nodes };
        },
      })),
  },
  {
    name: 'a walk ends after one page',
    breaks: 'ST7: a walk visits every live node',
    make: (context) =>
      withStores(context, (store) => ({
        walk: async (page) => ({ ...(await store.walk(page)), next: null }),
      })),
  },
  {
    name: 'every node is active',
    breaks: 'ST19: a place says whether the active path holds it',
    make: (context) =>
      withStores(context, (store) => ({
        locate: async (nodeId) => ({ ...(await store.locate(nodeId)), active: true }),
      })),
  },
  {
    name: 'finds nodes of the path only',
    breaks: 'ST1: any live node is read',
    make: (context) =>
      withStores(context, (store) => ({
        loadNode: async (nodeId): Promise<SessionNode> => {
          const { nodes } = await store.load({ kind: 'path' });
          return nodes.find((node) => node.id === nodeId) ?? store.loadNode('nobody.0');
        },
      })),
  },
  {
    name: 'siblings of the path only',
    breaks: 'ST2: a past branch is found again',
    make: (context) => withStores(context, () => ({ siblings: async () => [] })),
  },
];

/** Stores whose checkpoints are wrong: laws CP1 and CP2. */
export const checkpointMutants: readonly StoreMutant[] = [
  {
    name: 'the last checkpoint holds everywhere',
    breaks: 'ST7: a checkpoint belongs to a node and its descendants',
    make: (context) => {
      const newest = new Map<string, Checkpoint | null>();
      return withStores(context, (store) => ({
        commit: async (request: CommitRequest) => {
          const receipt = await store.commit(request);
          if (request.checkpoint !== undefined) {
            const { checkpoint = null } = await store.load({ kind: 'path', checkpoint: true });
            newest.set(store.sessionId, checkpoint);
          }
          return receipt;
        },
        load: async (scope) => {
          const snapshot = await store.load(scope);
          if (snapshot.checkpoint === undefined) return snapshot;
          return { ...snapshot, checkpoint: newest.get(store.sessionId) ?? snapshot.checkpoint };
        },
      }));
    },
  },
  {
    name: 'stores each component anew',
    breaks: 'CP1: components are stored by content',
    make: (context) =>
      withStores(context, (store) => ({
        commit: async (request) => {
          if (request.checkpoint === undefined) return store.commit(request);
          const salted = Object.entries(request.checkpoint).map(([name, component]) =>
            'body' in component
              ? ([name, { ...component, body: { salt: crypto.randomUUID(), body: component.body } }] as const)
              : ([name, component] as const),
          );
          const checkpoint: CheckpointChange = Object.fromEntries<CheckpointChange[string]>(salted);
          return store.commit({ ...request, checkpoint });
        },
        load: async (scope) => {
          const snapshot = await store.load(scope);
          if (snapshot.checkpoint === undefined || snapshot.checkpoint === null) return snapshot;
          const plain = Object.entries(snapshot.checkpoint.components).map(([name, component]) => {
            const { body = null } = component.body as JsonObject;
            return [name, { ...component, body }] as const;
          });
          return {
            ...snapshot,
            checkpoint: { ...snapshot.checkpoint, components: Object.fromEntries(plain) },
          };
        },
      })),
  },
  checkpoints(
    'keeps components that were not named',
    'CP2: what a change does not name is gone',
    async (store, given) => {
      const { checkpoint } = await store.load({ kind: 'path', limit: 1, checkpoint: true });
      const before = Object.entries(checkpoint?.components ?? {}).map(([name, { id }]) => [name, { id }]);
      return { ...Object.fromEntries(before), ...given } as CheckpointChange;
    },
  ),
  {
    name: 'drops a checkpoint that names what is not stored',
    breaks: 'CP2: an unknown component is ComponentNotFound',
    make: (context) =>
      withStores(context, (store) => ({
        commit: async (request) => {
          try {
            return await store.commit(request);
          } catch (error) {
            if (!isLashError(error, 'ComponentNotFound')) throw error;
            const { checkpoint: _, ...rest } = request;
            return store.commit(rest);
          }
        },
      })),
  },
  {
    name: 'a checkpoint is no content',
    breaks: 'ST4: a checkpoint is part of what an operation is',
    make: (context) => {
      const first = new Map<string, CheckpointChange>();
      return withStores(context, (store) => ({
        commit: async (request) => {
          const key = JSON.stringify([store.sessionId, request.operationId]);
          const known = first.get(key);
          const receipt = await store.commit(
            known === undefined ? request : { ...request, checkpoint: known },
          );
          if (request.checkpoint !== undefined && known === undefined) first.set(key, request.checkpoint);
          return receipt;
        },
      }));
    },
  },
];
