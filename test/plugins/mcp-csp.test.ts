import { chromium } from 'playwright';
import { describe, expect, it, onTestFinished } from 'vitest';

import { serveWorker } from '../support/built-worker.ts';
import { chromiumLaunch } from '../support/engines.ts';
import { startServer } from './mcp-support.ts';

const launch = chromiumLaunch();
const POLICY = "default-src 'none'; script-src 'self'; connect-src http:";

describe.skipIf(launch === undefined)(
  `a built worker${launch === undefined ? ' (skipped: no Chromium)' : ''}`,
  () => {
    it('[MC1] calls tools of MCP servers under a content security policy that allows no eval, and does not try it', async () => {
      const server = await startServer();
      const site = await serveWorker('test/plugins/mcp-csp.worker.ts', POLICY);
      onTestFinished(async () => await site.close());
      const browser = await chromium.launch(launch);
      onTestFinished(async () => await browser.close());
      const page = await browser.newPage();
      await page.goto(site.url);
      expect(await page.evaluate(`call('run', ${JSON.stringify(server.url)})`)).toEqual({
        status: 'completed',
        outcomes: [{ status: 'success', value: { echoed: 'hi' } }],
        violations: [],
        mayEval: false,
      });
    });
  },
);
