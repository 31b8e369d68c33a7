import { expect, it, vi } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import { LashError } from '../../src/core/error.ts';
import { Author } from '../../src/testing/author.ts';
import { runHousekeeping } from '../../src/worker/housekeeping.ts';
import { memoryEnvironment } from '../runtime/support.ts';

it('[ST10] what goes wrong in one session does not keep housekeeping from the others', async () => {
  const environment = memoryEnvironment();
  const { sessionStoreFactory: factory } = environment;
  const node = { createdAt: 1, body: { kind: 'plugin', pluginType: 'p', data: null } } as const;
  for (const id of ['a', 'b', 'c']) {
    const author = await Author.create(factory, id);
    await author.commit({ kind: 'append', parentId: null, nodes: [node] });
    await author.commit({ kind: 'append', parentId: null, nodes: [node] });
  }
  const order: string[] = [];
  const report = await runHousekeeping(
    {
      environment,
      clock: systemClock,
      signal: new AbortController().signal,
      onStore: async (sessionId, work) => {
        order.push(sessionId);
        const store = await factory.open(sessionId, { kind: 'open' });
        if (sessionId === order[0]) {
          const data = { sessionId, nodeId: null, reason: 'damaged' };
          vi.spyOn(store, 'orphanedNodeIds').mockRejectedValue(
            new LashError('StoredDataCorrupt', 'damaged', data),
          );
        }
        return await work(store);
      },
    },
    { youngerThanMs: -1000 },
  );
  expect(report).toMatchObject({ status: 'Failed', error: { code: 'StoredDataCorrupt' } });
  expect(report.sessions.map(({ sessionId, tombstoned }) => [sessionId, tombstoned])).toEqual(
    order.slice(1).map((id) => [id, 1]),
  );
  expect(order).toHaveLength(3);
});
