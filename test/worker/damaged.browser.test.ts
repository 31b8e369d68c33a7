import type { SessionClient, SessionExport } from 'lash-web';
import { expect, test } from 'vitest';

import { damage } from '../stores/raw-database.ts';
import { connect, failure, newDatabase, policy } from './page.ts';

async function read({ stream }: SessionExport): Promise<Blob> {
  const reader = stream.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) chunks.push(chunk.value);
  return new Blob(chunks);
}

const ids = (session: SessionClient): readonly string[] =>
  session.getSnapshot().window.nodes.map(({ id }) => id);

test('[ST6] a damaged session is refused, and shown and exported up to its last sound node when that is asked for', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database } });
  const session = await client.createSession({ id: 'd', policy });
  for (const text of ['say one', 'say two', 'say three']) await session.turn(text).result;
  const path = ids(session);
  await session.close();
  const [operationId = ''] = (path[3] ?? '').split('.');
  await damage(database, (store) => {
    const all = store('segments').openCursor();
    all.addEventListener('success', () => {
      const cursor = all.result;
      if (cursor === null) return;
      const row = cursor.value as { readonly operationId: string; readonly nodes: string };
      if (row.operationId === operationId) cursor.update({ ...row, nodes: row.nodes.slice(0, 20) });
      cursor.continue();
    });
  });

  await failure(client.openSession('d'), 'StoredDataCorrupt');
  await failure(client.openSession('d', { damaged: 'showSound' }), 'InvalidInput');
  const shown = await client.openSession('d', { mode: 'readOnly', damaged: 'showSound' });
  expect(ids(shown)).toEqual(path.slice(0, 3));
  expect(shown.getSnapshot().damage).toMatchObject({ nodeId: path[3] });
  await failure(shown.turn('say four').result, 'ReadOnly');
  await failure(shown.branchToNode(path[0] ?? null), 'ReadOnly');

  await failure(read(await client.exportSession('d')), 'StoredDataCorrupt');
  const file = await read(await client.exportSession('d', { damaged: 'showSound' }));
  const imported = await client.importSession(file);
  expect(imported).toMatchObject({ nodes: 3 });
  const copy = await client.openSession(imported.sessionId);
  expect(copy.getSnapshot().window.nodes).toHaveLength(3);
  expect((await copy.turn('say four').result).status).toBe('completed');
});
