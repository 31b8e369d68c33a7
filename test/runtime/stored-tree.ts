import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { BackgroundTaskRecord } from '../../src/core/task.ts';

/** What is stored of a tree of sessions, without what differs from one run to the next, by each one's place in the tree. */
export type StoredTree = Readonly<Record<string, unknown>>;

/** @throws where two sessions have the same place: one of them was left behind */
export async function storedTree(factory: SessionStoreFactory): Promise<StoredTree> {
  const { items } = await factory.list({});
  const sources = new Map(items.map(({ sessionId, parent }) => [sessionId, parent]));
  const stored: Record<string, unknown> = {};
  for (const { sessionId, parent } of items) {
    const place = `${sources.get(parent?.sessionId ?? '')?.source ?? ''}/${parent?.source ?? 'root'}`;
    if (place in stored) throw new Error(`two sessions are ${place}`);
    stored[place] = await storedSession(factory, sessionId);
  }
  return stored;
}

async function storedSession(factory: SessionStoreFactory, sessionId: string): Promise<unknown> {
  const store = await factory.open(sessionId, { kind: 'open' });
  const { nodes, ledger, checkpoint } = await store.load({ kind: 'path', checkpoint: true });
  const tasks = await store.tasks.list();
  const pending = await store.turns.pending();
  await store.close();
  return {
    kinds: nodes.map(({ body }) =>
      body.kind === 'tool' ? [body.invocation.tool, body.invocation.outcome] : body.kind,
    ),
    ledger: ledger.toSorted((a, b) => (a.source < b.source ? -1 : 1)),
    states: Object.values(checkpoint?.components ?? {}).map(({ body }) => body),
    tasks: tasks.map(({ body }) => {
      const { id, state, result } = body as unknown as BackgroundTaskRecord;
      return [id, state, result];
    }),
    pending,
  };
}
