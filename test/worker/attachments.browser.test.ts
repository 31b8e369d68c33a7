import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy } from './page.ts';

/** A PNG of 3 by 2 pixels. */
async function png(): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = 3;
  canvas.height = 2;
  return await new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error('no image')) : resolve(blob)), 'image/png');
  });
}

test.each([['in memory'], ['in IndexedDB']])(
  'what is put is got back, stored once, by its hash, %s',
  async (where) => {
    const client = await connect(where === 'in memory' ? {} : { config: { database: newDatabase() } });
    const { attachments } = await client.createSession({ policy });
    const ref = await attachments.put(new Blob(['hello'], { type: 'Text/Plain' }), { name: 'hello.txt' });
    expect(ref).toEqual({
      id: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      mime: 'text/plain',
      byteLength: 5,
      name: 'hello.txt',
    });
    const bytes = new TextEncoder().encode('hello');
    expect((await attachments.put(bytes, { mime: 'text/plain' })).id).toBe(ref.id);
    expect(bytes).toHaveLength(5);
    const blob = await attachments.get(ref.id);
    expect([await blob.text(), blob.type]).toEqual(['hello', 'text/plain']);
    expect((await client.storage()).attachmentBytes).toBe(5);
  },
);

test('the reference of an image has its size in pixels, and a broken image is no obstacle', async () => {
  const { attachments } = await (await connect()).createSession({ policy });
  const ref = await attachments.put(await png());
  expect(ref).toMatchObject({ mime: 'image/png', width: 3, height: 2 });
  const bytes = new Uint8Array(await (await png()).arrayBuffer());
  expect(await attachments.put(bytes, { mime: 'image/PNG' })).toEqual(ref);
  const broken = await attachments.put(new Blob(['not an image'], { type: 'image/png' }));
  expect(broken).not.toHaveProperty('width');
});

test('an attachment can be part of a message', async () => {
  const session = await (await connect()).createSession({ policy });
  const attachment = await session.attachments.put(await png(), { name: 'dot.png' });
  const turn = session.turn({
    parts: [
      { type: 'text', text: 'say nice' },
      { type: 'image', attachment },
    ],
  });
  expect((await turn.result).status).toBe('completed');
  expect(session.getSnapshot().window.nodes[0]?.body).toMatchObject({
    message: { parts: [{ type: 'text' }, { type: 'image', attachment }] },
  });
});

test('too many bytes are AttachmentTooLarge, nothing is stored, and history is unchanged', async () => {
  const client = await connect({ config: { database: newDatabase(), maxBytes: 1000 } });
  const session = await client.createSession({ policy });
  const before = session.getSnapshot();
  const large = new Blob([new Uint8Array(1001)], { type: 'application/octet-stream' });
  const error = await failure(session.attachments.put(large), 'AttachmentTooLarge');
  expect(error.data).toEqual({ byteLength: 1001, maxBytes: 1000 });
  expect((await client.storage()).attachmentBytes).toBe(0);
  expect(session.getSnapshot()).toBe(before);
});

test('bytes without a MIME type, and ids that nobody has, are refused', async () => {
  const { attachments } = await (await connect()).createSession({ policy });
  expect((await failure(attachments.put(new Blob(['x'])), 'InvalidInput')).data.path).toBe(
    'putAttachment.mime',
  );
  await failure(attachments.get('0'.repeat(64)), 'AttachmentNotFound');
});
