import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { playwright, type PlaywrightProviderOptions } from '@vitest/browser-playwright';
import type { BrowserCommand, BrowserInstanceOption } from 'vitest/node';

import { backEndsOf } from './back-ends.ts';
import { chromiumLaunch, type EngineName, findWebKit, firefoxLaunch, SQLITE_SWITCH } from './engines.ts';
import { webkitgtk } from './webkitgtk-provider.ts';

const profile = join(tmpdir(), `lash-web-profile-${process.pid}`);
const sqliteProfile = `${profile}-sqlite`;

/** What depends on the way in which IndexedDB is kept; sessions in it are opened on two of three. */
const STORAGE_TESTS = ['browser', 'stores', 'testing'].map(testsIn);
const SESSION_TESTS = [...STORAGE_TESTS, ...['runtime', 'sinks'].map(testsIn)];

function testsIn(folder: string): string {
  return `test/${folder}/**/*.browser.test.ts`;
}

/** The engines that Playwright drives, as far as they were found. */
export function playwrightInstances(): BrowserInstanceOption[] {
  const instances: BrowserInstanceOption[] = [];
  const add = (
    name: EngineName,
    browser: 'chromium' | 'firefox' | 'webkit',
    options: PlaywrightProviderOptions,
    settings: Pick<BrowserInstanceOption, 'include'> = {},
  ): void => {
    instances.push({ name, browser, provider: playwright(options), ...settings });
  };
  const chromium = chromiumLaunch();
  if (chromium !== undefined) {
    add('chromium', 'chromium', { launchOptions: chromium });
    add(
      'chromium-persistent',
      'chromium',
      { launchOptions: chromium, persistentContext: profile },
      { include: SESSION_TESTS },
    );
    const sqlite = { ...chromium, args: [...(chromium.args ?? []), SQLITE_SWITCH] };
    add(
      'chromium-sqlite',
      'chromium',
      { launchOptions: sqlite, persistentContext: sqliteProfile },
      { include: STORAGE_TESTS },
    );
    process.once('exit', () => {
      for (const folder of [profile, sqliteProfile]) rmSync(folder, { recursive: true, force: true });
    });
  }
  const firefox = firefoxLaunch();
  if (firefox !== undefined) add('firefox', 'firefox', { launchOptions: firefox });
  if (findWebKit()?.kind === 'playwright') add('webkit', 'webkit', {});
  return instances;
}

/** WebKitGTK, where it is installed. It has no headless mode: its window is on a virtual screen. */
export function webkitGtkInstances(): BrowserInstanceOption[] {
  const webkit = findWebKit();
  if (webkit?.kind !== 'webkitgtk') return [];
  return [{ name: 'webkit', browser: 'webkit', headless: false, provider: webkitgtk(webkit.paths) }];
}

/** The instance that benchmarks run in. */
export function benchInstances(): BrowserInstanceOption[] {
  const launchOptions = chromiumLaunch();
  return launchOptions === undefined
    ? []
    : [{ name: 'bench', browser: 'chromium', provider: playwright({ launchOptions }) }];
}

/** For tests: what the profile of a Chromium keeps databases in; empty for engines that keep none where we can look. */
export const backEnds: BrowserCommand = ({ project }): string[] => {
  const folders: Readonly<Record<string, string>> = {
    'chromium-persistent': profile,
    'chromium-sqlite': sqliteProfile,
  };
  const folder = folders[project.name];
  return folder === undefined ? [] : [...backEndsOf(folder)];
};
