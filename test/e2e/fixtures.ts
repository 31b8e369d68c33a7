import { expect, test as base } from '@playwright/test';

import { Demo } from './demo.ts';
import { ModelServer } from './model-server.ts';

interface PerTest {
  readonly demo: Demo;
  /** A second tab on the same database, behind the first one. */
  readonly otherTab: Demo;
  readonly server: ModelServer;
}

interface PerWorker {
  readonly modelServer: ModelServer;
}

/** A test with the demo, on a database of its own, and a model server. An error that nobody caught fails it. */
export const test = base.extend<PerTest, PerWorker>({
  modelServer: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads from it which fixtures are wanted
    async ({}, use) => {
      const server = await ModelServer.start();
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  server: async ({ modelServer }, use) => {
    modelServer.reset();
    await use(modelServer);
  },
  demo: async ({ page, baseURL }, use) => {
    const uncaught: Error[] = [];
    page.on('pageerror', (error) => uncaught.push(error));
    await use(new Demo(page, `e2e-${crypto.randomUUID()}`, baseURL ?? ''));
    expect(uncaught).toEqual([]);
  },
  otherTab: async ({ demo, context, baseURL }, use) => {
    const page = await context.newPage();
    // Whatever is done in a hidden page waits for frames that come once a second.
    await demo.page.bringToFront();
    await use(new Demo(page, demo.database, baseURL ?? ''));
  },
});

export { expect };
