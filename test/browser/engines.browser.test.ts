import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { server } from 'vitest/browser';

import { levelDbFolders } from '../support/browser/commands.ts';

test('the persistent Chromium keeps IndexedDB in LevelDB, the ephemeral one does not', async () => {
  const database = await openDB('engines', 1, { upgrade: (opened) => void opened.createObjectStore('rows') });
  await database.put('rows', 1, 'key');
  expect(await database.get('rows', 'key')).toBe(1);
  database.close();
  expect(await levelDbFolders()).toHaveLength(server.config.name === 'chromium-persistent' ? 1 : 0);
});
