import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { server } from 'vitest/browser';

import { backEnds } from '../support/browser/commands.ts';

test('the persistent Chromium keeps IndexedDB in LevelDB, the one with the switch in SQLite on disk, the ephemeral one not on disk', async () => {
  const database = await openDB('engines', 1, { upgrade: (opened) => void opened.createObjectStore('rows') });
  await database.put('rows', 1, 'key');
  expect(await database.get('rows', 'key')).toBe(1);
  database.close();
  const expected: Readonly<Record<string, string>> = {
    'chromium-persistent': 'leveldb',
    'chromium-sqlite': 'sqlite',
  };
  const backEnd = expected[server.config.name ?? ''];
  expect(await backEnds()).toEqual(backEnd === undefined ? [] : [backEnd]);
});
