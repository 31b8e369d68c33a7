import { readFile } from 'node:fs/promises';

import type { Page } from '@playwright/test';

import { expect, test } from './fixtures.ts';

/** Removes the third commit of the only session from storage, behind the app's back. */
async function damage(page: Page, database: string): Promise<void> {
  await page.evaluate(async (name) => {
    const opened = indexedDB.open(name);
    await new Promise((resolve) => opened.addEventListener('success', resolve));
    const transaction = opened.result.transaction('segments', 'readwrite');
    const store = transaction.objectStore('segments');
    const keys = store.getAllKeys();
    keys.addEventListener('success', () => {
      const third = keys.result[2];
      if (third !== undefined) store.delete(third);
    });
    await new Promise((resolve) => transaction.addEventListener('complete', resolve));
    opened.result.close();
  }, database);
}

test('[ST6] a damaged chat is not opened by itself; it is read up to the damage, and saved', async ({
  demo,
  page,
}) => {
  await demo.open();
  await demo.say('Who are you?');
  await demo.settled();
  await demo.say('Hello there');
  await demo.settled();
  await expect(demo.messages).toHaveCount(4);
  const sessionId = demo.sessionId();
  await damage(page, demo.database);
  await demo.reload();
  await expect(demo.error).toHaveAttribute('data-code', 'StoredDataCorrupt');
  await expect(demo.messages).toHaveCount(0);

  const early = await demo.downloaded(() => page.getByTestId('export-sound').click());
  const lines = (await readFile(early.path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { parentId: unknown }).parentId)).toHaveLength(2);

  await page.getByTestId('open-sound').click();
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  await expect(demo.answers).toHaveCount(1);
  await expect(page.getByTestId('damage-notice')).toContainText('reading only');
  await expect(demo.composer).toHaveCount(0);
  await expect(page.getByTestId('edit-message').first()).toBeDisabled();
  await expect(demo.error).toHaveCount(0);
  expect(demo.sessionId()).toBe(sessionId);

  await page.getByTestId('new-session').click();
  await expect(demo.messages).toHaveCount(0);
  await demo.say('Who are you?');
  await demo.settled();
  await expect(demo.answers).toHaveCount(1);
});

test('[ST6] a chat of which the list cannot read all says so there, and can be deleted', async ({
  demo,
  page,
}) => {
  await demo.open();
  await demo.say('Who are you?');
  await demo.settled();
  const item = demo.sessionItem(demo.sessionId());
  await expect(item).not.toContainText('Damaged');
  await page.evaluate(async (name) => {
    const opened = indexedDB.open(name);
    await new Promise((resolve) => opened.addEventListener('success', resolve));
    const transaction = opened.result.transaction('meta', 'readwrite');
    const row = transaction.objectStore('meta').openCursor();
    row.addEventListener('success', () => row.result?.update({ ...row.result.value, createdAt: 'never' }));
    await new Promise((resolve) => transaction.addEventListener('complete', resolve));
    opened.result.close();
  }, demo.database);
  await demo.visit();
  await page.reload();
  await expect(item).toContainText('Damaged');
  await item.hover();
  await item.getByTestId('delete-session').click();
  await page.getByTestId('confirm-delete').click();
  await expect(demo.sessions).toHaveCount(0);
  await expect(demo.error).toHaveCount(0);
});
