import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { chromium, firefox, type LaunchOptions, webkit } from 'playwright';

/**
 * The engines that the browser suite runs in. Chromium comes three times: without a profile it keeps IndexedDB in SQLite in
 * memory, with one in LevelDB, and with one and a switch in SQLite on disk, which runs the tests of storage only.
 */
export const ENGINES = ['chromium', 'chromium-persistent', 'chromium-sqlite', 'firefox', 'webkit'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Where the three programs are that make up a WebKitGTK engine without a screen. */
export interface WebKitGtkPaths {
  readonly driver: string;
  readonly miniBrowser: string;
  readonly xvfbRun: string;
}

export type WebKitEngine =
  | { readonly kind: 'webkitgtk'; readonly paths: WebKitGtkPaths }
  | { readonly kind: 'playwright' };

/** Makes a Chromium with a profile keep new databases in SQLite. */
export const SQLITE_SWITCH = '--enable-features=IdbSqliteBackingStore';

const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/libexec',
];
const WEBKIT_FOLDERS = ['webkit2gtk-4.1', 'webkitgtk-6.0', 'webkit2gtk-4.0'];

const firstExisting = (paths: readonly (string | undefined)[]): string | undefined =>
  paths.find((path) => path !== undefined && path !== '' && existsSync(path));

const onPath = (program: string): string | undefined =>
  firstExisting((process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program)));

/** How to launch Chromium, or `undefined` where there is none. */
export function chromiumLaunch(): LaunchOptions | undefined {
  const executablePath = firstExisting([process.env['CHROMIUM_PATH'], '/usr/bin/chromium']);
  if (executablePath !== undefined) return { executablePath, args: QUIET };
  return existsSync(chromium.executablePath()) ? { args: QUIET } : undefined;
}

/** How to launch Firefox: the channel makes Playwright drive an ordinary build by WebDriver BiDi. */
export function firefoxLaunch(): LaunchOptions | undefined {
  const executablePath = firstExisting([process.env['FIREFOX_PATH'], '/usr/bin/firefox-esr']);
  if (executablePath !== undefined) return { executablePath, channel: 'moz-firefox' };
  return existsSync(firefox.executablePath()) ? {} : undefined;
}

/** Which WebKit there is: WebKitGTK from the system, or the build that Playwright downloads. */
export function findWebKit(): WebKitEngine | undefined {
  const driver = onPath('WebKitWebDriver');
  const xvfbRun = onPath('xvfb-run');
  const miniBrowser = firstExisting(
    LIBRARY_FOLDERS.flatMap((library) =>
      WEBKIT_FOLDERS.map((webkitFolder) => join(library, webkitFolder, 'MiniBrowser')),
    ),
  );
  if (driver !== undefined && xvfbRun !== undefined && miniBrowser !== undefined) {
    return { kind: 'webkitgtk', paths: { driver, miniBrowser, xvfbRun } };
  }
  return existsSync(webkit.executablePath()) ? { kind: 'playwright' } : undefined;
}

/** The engines that this machine lacks. */
export function missingEngines(): readonly EngineName[] {
  const found: Record<EngineName, boolean> = {
    chromium: chromiumLaunch() !== undefined,
    'chromium-persistent': chromiumLaunch() !== undefined,
    'chromium-sqlite': chromiumLaunch() !== undefined,
    firefox: firefoxLaunch() !== undefined,
    webkit: findWebKit() !== undefined,
  };
  return ENGINES.filter((name) => !found[name]);
}
