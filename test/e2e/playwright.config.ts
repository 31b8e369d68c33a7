import { defineConfig, devices } from '@playwright/test';

import { chromiumLaunch, firefoxLaunch } from '../support/engines.ts';
import { BUILT, DOWNLOADS, OUTPUT } from './folders.ts';

// The workers, which read this file too, inherit the port from the process that chose it.
const port = (process.env['LASH_WEB_E2E_PORT'] ??= String(20_000 + (process.pid % 20_000)));
const baseURL = `http://127.0.0.1:${port}`;
const vite = 'node node_modules/vite/bin/vite.js';
const chromium = chromiumLaunch();
// With every window Chromium would load two pages of its own, for the list under its address bar, which take more of the
// processor than the demo does.
const chromiumArgs = [...(chromium?.args ?? []), '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup'];
const firefox = firefoxLaunch();

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.e2e.ts',
  outputDir: OUTPUT,
  reporter: process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] ? [['list'], ['json']] : [['list']],
  forbidOnly: Boolean(process.env['CI']),
  fullyParallel: true,
  workers: 2,
  timeout: 300_000,
  expect: { timeout: 60_000 },
  // What a service worker answers, a test could neither hold back nor replace; offline.e2e.ts lets it in.
  use: { baseURL, trace: 'off', serviceWorkers: 'block' },
  projects: [
    ...(chromium === undefined
      ? []
      : [
          {
            name: 'chromium',
            use: { ...devices['Desktop Chrome'], launchOptions: { ...chromium, args: chromiumArgs } },
          },
        ]),
    ...(firefox === undefined
      ? []
      : [
          {
            name: 'firefox',
            // What engines do each in their own way; test/README.md says why nothing else.
            grep: /@engines/,
            use: {
              ...devices['Desktop Firefox'],
              channel: firefox.channel,
              launchOptions: {
                ...firefox,
                downloadsPath: DOWNLOADS,
                // The list of downloads would open over the page and keep the keyboard to itself.
                firefoxUserPrefs: { 'browser.download.alwaysOpenPanel': false },
              },
            },
          },
        ]),
  ],
  webServer: {
    command: `${vite} build --outDir ${BUILT} --emptyOutDir && ${vite} preview --outDir ${BUILT} --port ${port} --strictPort`,
    cwd: '../..',
    // Whoever starts the tests may have set another one, and the build would not be that of production.
    env: { NODE_ENV: 'production' },
    url: baseURL,
    reuseExistingServer: false,
    timeout: 180_000,
  },
});
