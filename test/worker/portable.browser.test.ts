import type { SessionClient, SessionExport } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy } from './page.ts';

async function read({ stream }: SessionExport): Promise<Blob> {
  const reader = stream.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) chunks.push(chunk.value);
  return new Blob(chunks);
}

const withoutIds = (text: string): string =>
  text
    .replaceAll(/"(node_id|parent_node_id|leaf_node_id|session_id)":"[^"]*"/g, '"$1":"#"')
    .replaceAll(/("Conversation":\{"id":)"[^"]*"/g, '$1"#"')
    .replace(/"sha256":"[0-9a-f]*"/, '');

const texts = (session: SessionClient): readonly unknown[] =>
  session.getSnapshot().window.nodes.map(({ body }) => (body.kind === 'conversation' ? body.message : body));

test('[SE2] a session goes through a page as a file, with branches and attachments, and is used on', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const session = await client.createSession({ title: 'A talk / about: tests', policy });
  const ref = await session.attachments.put(new Blob(['x'.repeat(700_000)], { type: 'text/plain' }), {
    name: 'x',
  });
  await session.turn({
    parts: [
      { type: 'text', text: 'say hi' },
      { type: 'file', attachment: ref },
    ],
  }).result;
  await session.turn('say ho').result;
  await session.turn('say hu', { from: null }).result;
  const file = await client.exportSession(session.sessionId);
  expect(file.fileName).toBe('A_talk_about_tests.jsonl');
  const blob = await read(file);
  expect(blob.size).toBeGreaterThan(900_000);

  const other = await connect({ config: { database: newDatabase() } });
  const result = await other.importSession(blob);
  expect(result).toMatchObject({ nodes: session.getSnapshot().head.nodeCount, attachments: 1 });
  const copy = await other.openSession(result.sessionId);
  expect(texts(copy)).toEqual(texts(session));
  expect(copy.getSnapshot().head.usage).toEqual(session.getSnapshot().head.usage);
  expect(await (await copy.attachments.get(ref.id)).text()).toBe('x'.repeat(700_000));
  const again = await (await read(await other.exportSession(copy.sessionId))).text();
  expect(withoutIds(again)).toBe(withoutIds(await blob.text()));
  expect((await copy.turn('say more').result).status).toBe('completed');
});

test('[SE2] an import takes the id and the policy that the page gives', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const session = await client.createSession({ policy });
  const blob = await read(await client.exportSession(session.sessionId, { attachments: false }));
  const mine = { provider: { id: 'fake', model: 'mine', options: { a: 1 } } };
  expect(await client.importSession(blob, { id: 'chosen', policy: mine })).toEqual({
    sessionId: 'chosen',
    nodes: 0,
    attachments: 0,
  });
  expect((await client.openSession('chosen')).policy).toEqual(mine);
  await failure(client.importSession(blob, { id: 'chosen' }), 'SessionExists');
});

test('[SE2] a file that is none is refused with the line, and no session shows', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const error = await failure(client.importSession(new Blob(['{"type":"header"}\n'])), 'ImportInvalid');
  expect(error.data.line).toBe(1);
  const empty = await failure(client.importSession(new Blob([])), 'ImportInvalid');
  expect(empty.data.line).toBe(1);
  await failure(client.importSession('text' as unknown as Blob), 'InvalidInput');
  expect((await client.listSessions()).items).toEqual([]);
});

test('[TR3] an export reads on only as it is consumed, and ends when it is cancelled or its session is deleted', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  await failure(client.exportSession('nobody'), 'SessionNotFound');
  const session = await client.createSession({ policy });
  const data = 'x'.repeat(50_000);
  for (let index = 0; index < 20; index++) {
    await session.appendSessionNodes({ nodes: [{ kind: 'plugin', pluginType: 'note', data }] });
  }
  const cancelled = (await client.exportSession(session.sessionId)).stream.getReader();
  const first = await cancelled.read();
  expect(first.value!.length).toBeLessThan(400_000);
  await cancelled.cancel();
  const deleted = (await client.exportSession(session.sessionId)).stream.getReader();
  await client.deleteSession(session.sessionId);
  await failure(deleted.read(), 'SessionDeleted');
});
