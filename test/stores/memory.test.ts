import { expect, test } from 'vitest';

import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { rejects } from '../../src/testing/assert.ts';
import { shows } from '../../src/testing/attachment-context.ts';
import { Author, createMode } from '../../src/testing/author.ts';

test('[ST13] an import that nobody goes on with is removed, and its id stays used', async () => {
  const factory = new InMemorySessionStoreFactory();
  const begun = await factory.beginImport('session', createMode());
  await new Author(begun.store).say('a');
  const lease = await factory.leases.acquire('session', { force: true });
  await lease?.release();
  expect(await factory.finishDeletions()).toEqual(['session']);
  expect(await factory.finishDeletions()).toEqual([]);
  await rejects(begun.store.load({ kind: 'head' }), 'SessionDeleted');
  await rejects(factory.open('session', createMode()), 'SessionDeleted');
});

test('[ST11] a factory without attachments neither checks nor keeps what nodes refer to', async () => {
  const author = await Author.create(new InMemorySessionStoreFactory());
  const ref = { id: 'f'.repeat(64), mime: 'text/plain', byteLength: 4 };
  await author.commit({ kind: 'append', parentId: null, nodes: [shows(ref)] });
  const { attachments, attachmentBytes } = await author.store.inventory();
  expect([attachments, attachmentBytes]).toEqual([1, 0]);
  const report = await author.store.gcUnreachable({ keepYoungerThanMs: 0 });
  expect([report.status, report.attachments.status]).toEqual(['NothingToDo', 'NothingToDo']);
  await author.store.close();
});
