import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { type EngineName, missingEngines } from './engines.ts';

const DEBIAN_PACKAGES = [
  'chromium',
  'firefox-esr',
  'webkit2gtk-driver',
  'xvfb',
  'xauth',
  'dbus',
  'fonts-dejavu-core',
];

const succeeds = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0;

/** Installs the engines that are missing, and says which still are. */
export function installEngines(): readonly EngineName[] {
  if (missingEngines().length === 0) return [];
  console.log(`installing browsers: ${missingEngines().join(', ')}`);
  const isDebian = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  if (isDebian && succeeds('apt-get', 'update', '-qq')) {
    succeeds('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...DEBIAN_PACKAGES);
  }
  if (missingEngines().length > 0) {
    const browsers = new Set(missingEngines().map((engine) => engine.replace('-persistent', '')));
    succeeds(join('node_modules', '.bin', 'playwright'), 'install', ...browsers);
  }
  return missingEngines();
}
