import type { BrowserContext, Page } from '@playwright/test';

import { Demo } from './demo.ts';
import { expect, test } from './fixtures.ts';
import { holdNotes } from './hold-notes.ts';
import { held } from './plays.ts';

/** Kills the process of a tab: nothing in it is told, and nothing of it runs any further. */
async function kill(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash');
  const devTools = await page.context().newCDPSession(page);
  // The one who would answer is gone.
  devTools.send('Page.crash').catch(() => undefined);
  await crashed;
}

/**
 * A tab beside the others that has the right to write a session as soon as whoever has it now is gone, and keeps it until
 * the returned function is called.
 */
async function holdLease(context: BrowserContext, demo: Demo): Promise<() => Promise<void>> {
  const page = await context.newPage();
  await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
  await page.goto(new URL('/blank', demo.page.url()).href);
  await page.evaluate(
    ([database, sessionId]) => {
      const name = `lash-web ${JSON.stringify([database, sessionId])}`;
      void navigator.locks.request(name, () => new Promise(() => undefined));
    },
    [demo.database, demo.sessionId()] as const,
  );
  return async () => await page.close();
}

/** What the journals of turns hold, as JSON. */
async function journal(page: Page, database: string): Promise<string> {
  return await page.evaluate(async (name) => {
    const opened = indexedDB.open(name);
    await new Promise((resolve) => opened.addEventListener('success', resolve));
    const rows = opened.result.transaction('journal').objectStore('journal').getAll();
    await new Promise((resolve) => rows.addEventListener('success', resolve));
    opened.result.close();
    return JSON.stringify(rows.result);
  }, database);
}

test('[TU3][TU1] a tab killed in the middle of tool calls: the next one runs again what may, tells the model of what may not, and finishes', async ({
  demo,
  context,
  server,
  baseURL,
}) => {
  server.answers('Tidy up', {
    toolCalls: [
      { name: 'remember', arguments: '{"key":"tidy","value":"yes"}' },
      { name: 'forget', arguments: '{"key":"mess"}' },
    ],
    content: 'All of it is tidy.',
  });
  await demo.open();
  await demo.useServer(server);
  await holdNotes(demo.page, demo.database);
  await demo.say('Tidy up');
  await demo.waits.getByTestId('approve').click();
  await expect(demo.waits).toHaveCount(0);
  for (const tool of ['remember', 'forget'])
    await expect(demo.tool(tool)).toHaveAttribute('data-state', 'running');
  const sessionId = demo.sessionId();
  await kill(demo.page);

  const reopened = new Demo(await context.newPage(), demo.database, baseURL ?? '');
  await reopened.open(sessionId);
  await expect(reopened.answers.last()).toContainText('All of it is tidy.');
  await reopened.settled();
  await expect(reopened.tool('remember')).toHaveAttribute('data-state', 'success');
  await expect(reopened.tool('forget')).toHaveAttribute('data-state', 'failure');
  await expect(reopened.tool('forget')).toContainText('unknown');
  await expect(reopened.questions).toHaveCount(1);
  await expect(reopened.answers).toHaveCount(2);
  await expect(reopened.endedTurns).toHaveCount(1);
  await expect(reopened.error).toHaveCount(0);
  const [, last, ...more] = server.requests;
  expect(more, 'what the model has answered is not asked again').toEqual([]);
  const told = last?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  expect(told).toEqual([expect.stringContaining('tidy'), expect.stringContaining('unknown')]);
});

test('[TU8][TU1] a tab killed in the middle of an answer: what it showed is shown as interrupted, then withdrawn, and the answer comes once', async ({
  demo,
  context,
  server,
  baseURL,
}) => {
  await demo.open();
  await demo.useServer(server);
  server.plays(held('It begins').play);
  await demo.say('Tell me a story');
  await expect(demo.live).toContainText('It begins');
  // What was shown is written a moment later.
  await expect.poll(() => journal(demo.page, demo.database)).toContain('It begins');
  const letGo = await holdLease(context, demo);
  const sessionId = demo.sessionId();
  await kill(demo.page);

  const again = held('Once upon', ' a time.');
  server.plays(again.play);
  const reopened = new Demo(await context.newPage(), demo.database, baseURL ?? '');
  await reopened.open(sessionId);
  await expect(reopened.live).toHaveAttribute('data-status', 'interrupted');
  await expect(reopened.live).toContainText('It begins');
  await letGo();
  await expect(reopened.live).toHaveAttribute('data-status', 'streaming');
  await expect(reopened.live).toHaveText(/^\s*Once upon\s*$/);
  again.release();
  await expect(reopened.answers).toHaveText([/^\s*Once upon a time\.\s*$/]);
  await expect(reopened.live).toHaveCount(0);
  await reopened.settled();
  await expect(reopened.questions).toHaveCount(1);
  await expect(reopened.endedTurns).toHaveCount(1);
  await expect(reopened.error).toHaveCount(0);
});
