import { createHash } from 'node:crypto';

import { BuiltDemo } from './built-demo.ts';
import { Demo } from './demo.ts';
import { expect, test } from './fixtures.ts';
import { held } from './plays.ts';

test.use({ serviceWorkers: 'allow' });

/** Waits until the service worker has everything that the app needs. */
async function ready({ page }: Demo): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while (navigator.serviceWorker.controller === null) {
      await new Promise((resolve) =>
        navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
      );
    }
  });
}

test('after one visit the app runs without a network, sessions and built-in model included @engines', async ({
  page,
  context,
}) => {
  const built = await BuiltDemo.start();
  const demo = new Demo(page, `e2e-${crypto.randomUUID()}`, built.url);
  await demo.open();
  await demo.say('Remember that the meeting is on Thursday at 10');
  await demo.settled();
  await ready(demo);
  built.stop();
  await context.setOffline(true);

  // Firefox lets a service worker answer only those workers that were made after it came.
  await demo.reload();
  await expect(demo.questions).toHaveText([/Thursday at 10/]);
  // This part of the worker was not loaded while there was a network.
  await demo.openStorage();
  await page.getByTestId('keep-house').click();
  await expect(page.getByTestId('housekeeping-report')).not.toBeEmpty();
  await page.goBack();
  await demo.say('Recall the meeting');
  await expect(demo.tool('recall')).toHaveAttribute('data-state', 'success');
  await demo.settled();
  await demo.reload();
  await expect(demo.questions).toHaveText([/Thursday at 10/, /Recall the meeting/]);
  await expect(demo.answers.last()).toContainText('Thursday at 10');

  await demo.openStorage();
  await demo.downloaded(() => page.getByTestId('export').click());
  await expect(demo.error).toHaveCount(0);
});

test('[TU11] what is asked without a network, or cut off by losing it, waits for it, also over a reload, and goes on by itself', async ({
  page,
  context,
  server,
}) => {
  const built = await BuiltDemo.start();
  const demo = new Demo(page, `e2e-${crypto.randomUUID()}`, built.url);
  await demo.open();
  await ready(demo);
  await demo.useServer(server);
  const cut = held('It begins');
  server.plays(cut.play);
  await demo.say('Tell me a story');
  await expect(demo.live).toContainText('It begins');
  await context.setOffline(true);
  cut.breakOff();
  await expect(demo.waits).toHaveAttribute('data-kind', 'offline');
  await expect(demo.live).toHaveCount(0);
  await demo.composer.fill('And one more');
  await demo.send.click();
  await expect(demo.queued).toHaveText([/And one more/]);
  await demo.reload();
  await expect(demo.waits).toContainText('no connection');
  await expect(demo.queued).toHaveCount(1);

  server.answers('Tell me', { content: 'Once upon a time.' });
  server.answers('one more', { content: 'There was a tab.' });
  await context.setOffline(false);
  await expect(demo.answers).toHaveText([/Once upon a time\./, /There was a tab\./]);
  await expect(demo.waits).toHaveCount(0);
  await demo.settled();

  await context.setOffline(true);
  server.answers('Are you', { content: 'Here I am.' });
  await demo.say('Are you there?');
  await expect(demo.waits).toHaveAttribute('data-kind', 'offline');
  await context.setOffline(false);
  await expect(demo.answers.last()).toContainText('Here I am.');
  await expect(demo.error).toHaveCount(0);
  built.stop();
});

test('a new build is taken whole: it waits for a word, and a half updated server is not taken at all @engines', async ({
  page,
}) => {
  const built = await BuiltDemo.start();
  const demo = new Demo(page, `e2e-${crypto.randomUUID()}`, built.url);
  const build = page.locator('meta[name="build"]');
  await demo.open();
  await ready(demo);
  await demo.reload();

  const newPage = built.text('/index.html').replace('</title>', '</title><meta name="build" content="new">');
  const worker = built.text('/service-worker.js').replace(/"version":"[^"]+"/, '"version":"new"');
  const integrity = createHash('sha256').update(newPage).digest('base64');
  const newWorker = worker.replace(
    /("url":"\.\/","integrity":"sha256-)[^"]+/,
    (_, before: string) => before + integrity,
  );
  built.replace('/service-worker.js', newWorker);
  expect(await update(demo)).toBe('refused');
  await demo.reload();
  await expect(build).toHaveCount(0);

  built.replace('/index.html', newPage);
  expect(await update(demo)).toBe('taken');
  await expect(page.getByTestId('update')).toBeVisible();
  await demo.reload();
  await expect(build).toHaveCount(0);
  await page.getByTestId('update').getByRole('button').click();
  await expect(build).toHaveCount(1);
  await expect(demo.status).toHaveText('ready');
  await expect(page.getByTestId('update')).toHaveCount(0);
  const caches = await page.evaluate(() => globalThis.caches.keys());
  expect(caches).toEqual(['lash-demo-build-new']);
  built.stop();
});

/** Lets the browser look for a new build, and tells what it did with it. */
async function update({ page }: Demo): Promise<string> {
  return await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    if (registration === undefined) return 'none';
    await registration.update();
    const worker = registration.installing ?? registration.waiting;
    if (worker === null) return 'none';
    const ended = (): boolean => worker.state === 'installed' || worker.state === 'redundant';
    while (!ended()) {
      await new Promise((resolve) => worker.addEventListener('statechange', resolve, { once: true }));
    }
    return worker.state === 'installed' ? 'taken' : 'refused';
  });
}
