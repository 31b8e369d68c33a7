import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { playwright, type PlaywrightProviderOptions } from '@vitest/browser-playwright';
import type { BrowserCommand, BrowserInstanceOption } from 'vitest/node';

import { chromiumLaunch, type EngineName, findWebKit, firefoxLaunch } from './engines.ts';
import { webkitgtk } from './webkitgtk-provider.ts';

const profile = join(tmpdir(), `lash-web-profile-${process.pid}`);

/** The engines that Playwright drives, as far as they were found. */
export function playwrightInstances(): BrowserInstanceOption[] {
  const instances: BrowserInstanceOption[] = [];
  const add = (
    name: EngineName,
    browser: 'chromium' | 'firefox' | 'webkit',
    options: PlaywrightProviderOptions,
  ): void => {
    instances.push({ name, browser, provider: playwright(options) });
  };
  const chromium = chromiumLaunch();
  if (chromium !== undefined) {
    add('chromium', 'chromium', { launchOptions: chromium });
    add('chromium-persistent', 'chromium', { launchOptions: chromium, persistentContext: profile });
    process.once('exit', () => rmSync(profile, { recursive: true, force: true }));
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

/** For tests: the LevelDB folders of the persistent Chromium profile. No other engine keeps one where we can look. */
export const levelDbFolders: BrowserCommand = ({ project }): string[] => {
  const folder = join(profile, 'Default', 'IndexedDB');
  if (project.name !== 'chromium-persistent' || !existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.endsWith('.leveldb'));
};
