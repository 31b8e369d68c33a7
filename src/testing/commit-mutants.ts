import type { CommitReceipt, CommitRequest, SessionStore } from '../contract/store.ts';
import { isLashError, LashError } from '../core/error.ts';
import { nodeIdOf } from '../core/id.ts';
import { type StoreMutant, withStores } from './mutant.ts';
import { orphansOf } from './store-context.ts';

/** A mutant that commits in its own way. */
export function commits(
  name: string,
  breaks: string,
  commit: (store: SessionStore, request: CommitRequest) => Promise<CommitReceipt>,
): StoreMutant {
  return {
    name,
    breaks,
    make: (context) =>
      withStores(context, (store) => ({ commit: (request) => commit(store, copyOf(request)) })),
  };
}

/** What nobody changes any more; data that cannot be copied is left to the sound store to refuse. */
function copyOf(request: CommitRequest): CommitRequest {
  try {
    return structuredClone(request);
  } catch {
    return request;
  }
}

async function onConflict<T>(promise: Promise<T>, otherwise: () => Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (!isLashError(error, 'HeadRevisionConflict')) throw error;
    return otherwise();
  }
}

/** Commits on whatever revision there is. */
async function overwrite(store: SessionStore, request: CommitRequest): Promise<CommitReceipt> {
  const { head } = await store.load({ kind: 'head' });
  return onConflict(store.commit({ ...request, expectedRevision: head.revision }), () =>
    overwrite(store, request),
  );
}

/** What the receipt would be if nothing came in between. */
async function foretold(store: SessionStore, request: CommitRequest): Promise<CommitReceipt> {
  const { head, ledger } = await store.load({ kind: 'head' });
  const { operationId, change } = request;
  const count = change.kind === 'append' ? change.nodes.length : 0;
  const nodeIds = Array.from({ length: count }, (_, ordinal) => nodeIdOf(operationId, ordinal));
  const leaf = change.kind === 'branch' ? change.leaf : (nodeIds.at(-1) ?? head.leaf);
  const revision = head.revision + 1;
  return { operationId, revision, nodeIds, leaf, replayed: false, head: { ...head, leaf, revision }, ledger };
}

/** Stores that commit wrongly: laws ST1–ST5 and ST14. */
export const commitMutants: readonly StoreMutant[] = [
  commits('no compare-and-set', 'ST3: the loser of a race is refused', overwrite),
  commits('no epoch', 'ST3: a writer of another epoch is fenced', async (store, request) => {
    const { epoch } = await store.load({ kind: 'head' });
    return store.commit({ ...request, epoch });
  }),
  commits(
    'acknowledges before it is stored',
    'ST14: a commit resolves when it is stored',
    async (store, request) => {
      const receipt = await foretold(store, request);
      setTimeout(() => void store.commit(request).catch(() => undefined), 20);
      return receipt;
    },
  ),
  {
    name: 'forgets receipts',
    breaks: 'ST4: an operation is done once',
    make: (context) => {
      const done = new Map<string, number>();
      return withStores(context, (store) => ({
        commit: async (request) => {
          const key = JSON.stringify([store.sessionId, request.operationId]);
          const times = done.get(key) ?? 0;
          const operationId = times === 0 ? request.operationId : `${request.operationId}~${times}`;
          const receipt = await store.commit({ ...request, operationId });
          done.set(key, times + 1);
          return receipt;
        },
      }));
    },
  },
  {
    name: 'a receipt forgets the content',
    breaks: 'ST4: the same id with other content is OperationConflict',
    make: (context) => {
      const first = new Map<string, CommitRequest>();
      return withStores(context, (store) => ({
        commit: async (request) => {
          const key = JSON.stringify([store.sessionId, request.operationId]);
          try {
            const receipt = await store.commit(request);
            if (!first.has(key)) first.set(key, structuredClone(request));
            return receipt;
          } catch (error) {
            const known = first.get(key);
            if (known === undefined || !isLashError(error, 'OperationConflict')) throw error;
            return store.commit(known);
          }
        },
      }));
    },
  },
  commits(
    'replays a receipt to its own epoch only',
    'ST4: a receipt is replayed to anyone',
    async (store, request) => {
      const { epoch } = await store.load({ kind: 'head' });
      if (epoch === request.epoch) return store.commit(request);
      throw new LashError('WriterFenced', 'fenced', { expected: request.epoch, actual: epoch });
    },
  ),
  commits(
    'checks the revision before the parent',
    'ST4: a dead ancestor is told before a stale revision',
    async (store, request) => {
      try {
        return await store.commit(request);
      } catch (error) {
        const { revision } = (await store.load({ kind: 'head' })).head;
        const { expectedRevision } = request;
        if (!isLashError(error, 'NodeNotFound') || revision === expectedRevision) throw error;
        const data = { expected: expectedRevision, actual: revision };
        throw new LashError('HeadRevisionConflict', 'stale', data);
      }
    },
  ),
  commits('counts usage again on replay', 'ST4: a replay counts nothing', async (store, request) => {
    const receipt = await store.commit(request);
    if (!receipt.replayed || request.usage.length === 0) return receipt;
    const operationId = crypto.randomUUID();
    const change = { kind: 'unchanged' } as const;
    const { head, epoch } = await store.load({ kind: 'head' });
    await store.commit({ ...request, operationId, change, epoch, expectedRevision: head.revision });
    return receipt;
  }),
  commits('a branch copies', 'ST2: a branch moves the leaf and writes no node', async (store, request) => {
    const { change } = request;
    if (change.kind !== 'branch' || change.leaf === null) return store.commit(request);
    const { nodes } = await store.load({ kind: 'path', leaf: change.leaf });
    return store.commit({ ...request, change: { kind: 'append', parentId: null, nodes } });
  }),
  commits('a branch loses what it leaves', 'ST2: nothing removes nodes', async (store, request) => {
    const receipt = await store.commit(request);
    if (request.change.kind === 'branch') {
      await store.tombstoneNodes((await orphansOf(store)).slice(0, 1000));
      await store.vacuum();
    }
    return receipt;
  }),
  commits('an append goes below the leaf', 'ST2: an append goes below its parent', async (store, request) => {
    const { leaf } = (await store.load({ kind: 'head' })).head;
    const { change } = request;
    if (change.kind !== 'append' || change.parentId === null) return store.commit(request);
    return store.commit({ ...request, change: { ...change, parentId: leaf } });
  }),
  commits('does not check what is required', 'ST2: StaleBranch', async (store, request) => {
    const { change } = request;
    if (change.kind !== 'append') return store.commit(request);
    const { requires: _, ...rest } = change;
    return store.commit({ ...request, change: rest });
  }),
  commits('a missing parent makes a root', 'ST5: a parent must be live', async (store, request) => {
    try {
      return await store.commit(request);
    } catch (error) {
      const { change } = request;
      if (!isLashError(error, 'NodeNotFound') || change.kind !== 'append') throw error;
      return store.commit({ ...request, change: { ...change, parentId: null } });
    }
  }),
  commits(
    'refuses late',
    'ST13: the budget is checked before anything is written',
    async (store, request) => {
      try {
        return await store.commit(request);
      } catch (error) {
        const { change } = request;
        if (!isLashError(error, 'CommitBudgetExceeded') || change.kind !== 'append') throw error;
        await store.commit({ ...request, change: { ...change, nodes: change.nodes.slice(0, 1) }, usage: [] });
        throw error;
      }
    },
  ),
  commits('leaves out what is too large', 'ST13: bodies of components count', async (store, request) => {
    try {
      return await store.commit(request);
    } catch (error) {
      const { checkpoint, ...rest } = request;
      if (checkpoint === undefined || !isLashError(error, 'CommitBudgetExceeded')) throw error;
      return store.commit(rest);
    }
  }),
  {
    name: 'a lease raises the epoch twice',
    breaks: 'ST3: taking the lease raises the epoch by one',
    make: (context) =>
      withStores(context, (store) => ({
        takeLease: async () => {
          await store.takeLease();
          return store.takeLease();
        },
      })),
  },
];
