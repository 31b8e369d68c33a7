import { describe, expect, test } from 'vitest';

import { chromiumLaunch } from '../support/engines.ts';
import { runTreeKills } from './tree-kills.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

describe.skipIf(missing)(`kills of session trees${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  test('[CH1][CH3][TU3][PS2][BH6] whatever is killed at whatever write of a turn with a plugin, a child, a grandchild and a task, what is stored in the end is as without that', async () => {
    const kills = { worker: 14, renderer: 4, browser: 2 };
    const { violations } = await runTreeKills({ kills, seed: 7 });
    expect(violations).toEqual([]);
  }, 600_000);
});
