import type { Page } from '@playwright/test';

import type { Demo } from './demo.ts';
import { expect, test } from './fixtures.ts';

/** The numbers of the only chat: how many messages were left behind, and how many are pinned. */
async function expectChat(page: Page, { left, pins }: { left: RegExp; pins: string }): Promise<void> {
  const row = page.getByTestId('storage-row');
  await expect(row).toHaveCount(1);
  await expect(row.locator('[data-label="Left behind"]')).toHaveText(left);
  await expect(row.locator('[data-label="Pins"]')).toHaveText(pins);
}

async function keepHouse({ page }: Demo): Promise<void> {
  await page.getByTestId('keep-rule').selectOption('0');
  await page.getByTestId('keep-house').click();
  await expect(page.getByTestId('housekeeping-report')).not.toBeEmpty();
}

async function ask(demo: Demo, question: string): Promise<void> {
  await demo.questions.first().getByTestId('edit-message').click();
  await demo.composer.fill(question);
  await demo.send.click();
  await expect(demo.questions).toHaveText([new RegExp(question)]);
  await expect(demo.answers).toHaveCount(1);
  await demo.settled();
}

test('[ST8][ST10] housekeeping removes branches that were left, and keeps those that are pinned', async ({
  demo,
  page,
}) => {
  await demo.open();
  await demo.say('Who are you?');
  await demo.settled();
  await demo.answers.last().getByTestId('pin-message').click();
  await expect(demo.answers.last().getByTestId('pin-message')).toHaveAttribute('aria-pressed', 'true');
  const pinned = await demo.nodeIds();
  await ask(demo, 'Hello there');
  await ask(demo, 'Good morning');
  await expect(page.getByTestId('branch-label')).toHaveText('3/3');

  await page.getByTestId('open-storage').click();
  await expectChat(page, { left: /^2$/, pins: '1' });
  await expect(page.getByTestId('session-bytes')).toHaveText(/[1-9][\d.]* (bytes|KB)/);
  await expect(page.getByTestId('evictable')).not.toBeEmpty();
  await keepHouse(demo);
  await expect(page.getByTestId('housekeeping-report')).toContainText('Removed from storage: 2 entries');
  await expectChat(page, { left: /^0$/, pins: '1' });

  await page.goBack();
  await expect(page.getByTestId('branch-label')).toHaveText('2/2');
  await page.getByTestId('branch-prev').click();
  await expect(page.getByTestId('branch-label')).toHaveText('1/2');
  expect(await demo.nodeIds()).toEqual(pinned);
  await expect(demo.answers.last().getByTestId('pin-message')).toHaveAttribute('aria-pressed', 'true');
  await page.getByTestId('branch-next').click();
  await expect(page.getByTestId('branch-label')).toHaveText('2/2');

  await page.getByTestId('open-storage').click();
  await page.getByTestId('unpin-all').click();
  await expectChat(page, { left: /^2$/, pins: '0' });
  await keepHouse(demo);
  await expectChat(page, { left: /^0$/, pins: '0' });
  await demo.sessions.getByRole('link').click();
  await expect(demo.questions).toHaveText([/Good morning/]);
  await expect(page.getByTestId('branch-label')).toHaveCount(0);
  await expect(demo.error).toHaveCount(0);
});

test('the storage page counts what agents took apart from the chats', async ({ demo, page }) => {
  await demo.open();
  await demo.say('Ask a helper to calculate 6 * 7');
  await expect(demo.answers.last()).toContainText('42');
  await demo.settled();
  await page.getByTestId('open-storage').click();
  await expect(page.getByTestId('helper-bytes')).toHaveText(/[1-9][\d.]* (bytes|KB)/);
  const messages = (await page.getByTestId('session-bytes').textContent()) ?? '';
  await expect(page.getByTestId('storage-row').locator('[data-label="Size"]')).toHaveText(messages);
});

test('the storage page says what may be evicted, and asks the browser to keep it', async ({ demo, page }) => {
  await demo.open();
  await page.getByTestId('open-storage').click();
  await expect(page.getByTestId('storage-page')).toBeVisible();
  await expect(page.getByTestId('evictable')).toContainText('may remove all of it');
  await page.evaluate(() => {
    navigator.storage.persist = () => Promise.resolve(Object.assign(globalThis, { asked: true }) !== null);
  });
  await page.getByTestId('persist').click();
  await expect(page.getByTestId('persistence')).not.toBeEmpty();
  expect(await page.evaluate(() => Reflect.get(globalThis, 'asked') as unknown)).toBe(true);
  await page.reload();
  await expect(page.getByTestId('storage-page')).toBeVisible();
  await expect(demo.error).toHaveCount(0);
});
