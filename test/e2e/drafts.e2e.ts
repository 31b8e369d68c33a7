import type { Page } from '@playwright/test';

import { textFile, type Demo } from './demo.ts';
import { expect, test } from './fixtures.ts';
import { holdCalls } from './hold-calls.ts';

/** Keeps the page connecting until the returned function is called. */
async function holdWorker(page: Page): Promise<() => void> {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/agent\.worker/, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

/** Makes a session that holds one question. */
async function make(demo: Demo, question: string): Promise<string> {
  await demo.page.getByTestId('new-session').click();
  await expect(demo.messages).toHaveCount(0);
  await demo.say(question);
  await demo.settled();
  return demo.sessionId();
}

test('what is typed while the page connects waits for the session that the address names, also over a reload', async ({
  demo,
  page,
}) => {
  await demo.open();
  const sessionId = await make(demo, 'Who are you?');
  await page.goto('about:blank');

  const release = await holdWorker(page);
  await demo.visit(sessionId);
  await expect(page.getByTestId('opening')).toBeVisible();
  await demo.composer.fill('Hello there');
  await expect(demo.send).toBeDisabled();
  release();
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  await expect(demo.composer).toHaveValue('Hello there');
  await demo.reload();
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  await expect(demo.composer).toHaveValue('Hello there');
  await demo.send.click();
  await expect(demo.questions).toHaveText([/Who are you\?/, /Hello there/]);
  await expect(demo.sessions).toHaveCount(1);
  await expect(demo.composer).toHaveValue('');
});

test('Enter before the page is connected is said to wait, and sends once: to the session that the address names, or to a new one', async ({
  demo,
  page,
}) => {
  const announced = page.getByTestId('announcement');
  const asked: string[] = [];
  for (const question of ['Who are you?', 'Hello there']) {
    await page.goto('about:blank');
    const release = await holdWorker(page);
    await demo.visit(asked.length === 0 ? undefined : asked[0]);
    await demo.composer.fill(question);
    await demo.composer.press('Enter');
    await demo.composer.press('Enter');
    await expect(announced).toHaveText('It is sent as soon as the app is ready.');
    await expect(demo.composer).toHaveValue(question);
    release();
    await expect(demo.questions.last()).toContainText(question);
    await demo.settled();
    asked.push(demo.sessionId());
  }
  await expect(demo.questions).toHaveText([/Who are you\?/, /Hello there/]);
  await expect(demo.answers).toHaveCount(2);
  await expect(demo.queued).toHaveCount(0);
  await expect(demo.composer).toHaveValue('');
  await expect(demo.sessions).toHaveCount(1);
});

test('whoever goes on typing after that Enter takes it back', async ({ demo, page }) => {
  await demo.open();
  const first = await make(demo, 'Who are you?');
  await page.goto('about:blank');

  const release = await holdWorker(page);
  await demo.visit(first);
  await demo.composer.fill('Hello');
  await demo.composer.press('Enter');
  await demo.composer.press('End');
  await demo.composer.pressSequentially(' there');
  await expect(page.getByTestId('announcement')).toBeEmpty();
  release();
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  await expect(demo.status).toHaveText('ready');
  await expect(demo.composer).toHaveValue('Hello there');
  await expect(demo.stop).toHaveCount(0);
});

test('what is typed for a session that does not exist stays in the composer', async ({ demo, page }) => {
  const release = await holdWorker(page);
  await demo.visit('no-such-session');
  await demo.composer.fill('Who are you?');
  await demo.composer.press('Enter');
  release();
  await expect(demo.error).toHaveAttribute('data-code', 'SessionNotFound');
  await expect(demo.composer).toHaveValue('Who are you?');
  await demo.send.click();
  await expect(demo.answers).toHaveText([/built-in model/]);
  await expect(demo.sessions).toHaveCount(1);
});

test('what is typed and attached while a session opens is for that one; each keeps its own draft', async ({
  demo,
  page,
}) => {
  await demo.open();
  const first = await make(demo, 'Who are you?');
  const second = await make(demo, 'Hello there');
  await demo.composer.fill('For the second');

  const letGo = await holdCalls(page, 'openSession');
  await demo.sessionItem(first).getByRole('link').click();
  await expect(page.getByTestId('opening')).toBeVisible();
  await expect(demo.composer).toHaveValue('');
  await expect(demo.messages).toHaveCount(0);
  await demo.composer.fill('Read the attached file');
  await page.getByTestId('attach').setInputFiles([textFile('list.txt', 'eggs and a heron')]);
  await demo.composer.press('Enter');
  await letGo();
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  await expect(demo.composer).toHaveValue('Read the attached file');
  await expect(page.locator('form').getByTestId('attachment')).toHaveText([/list\.txt/]);

  await demo.sessionItem(second).getByRole('link').click();
  await expect(demo.composer).toHaveValue('For the second');
  await expect(demo.questions).toHaveText([/Hello there/]);
  await page.goBack();
  await expect(demo.composer).toHaveValue('Read the attached file');
  await demo.send.click();
  await expect(demo.questions).toHaveText([/Who are you\?/, /Read the attached file/]);
  await expect(demo.answers.last()).toContainText('eggs and a heron');
  await expect(demo.composer).toHaveValue('');
  await expect(demo.error).toHaveCount(0);
});

test('what is typed right after a new chat was asked for is for the new one', async ({ demo, page }) => {
  await demo.open();
  const first = await make(demo, 'Who are you?');
  await demo.composer.fill('For the first');
  const letGo = await holdCalls(page, 'openSession');
  await page.getByTestId('new-session').click();
  await expect(demo.composer).toHaveValue('');
  await demo.composer.fill('For the new one');
  await letGo();
  await expect(demo.sessions).toHaveCount(2);
  await expect(demo.messages).toHaveCount(0);
  await expect(demo.composer).toHaveValue('For the new one');
  await demo.sessionItem(first).getByRole('link').click();
  await expect(demo.questions).toHaveText([/Who are you\?/]);
  await expect(demo.composer).toHaveValue('For the first');
});
