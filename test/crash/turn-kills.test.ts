import { describe, expect, test } from 'vitest';

import { chromiumLaunch } from '../support/engines.ts';
import { runTurnKills } from './turn-kills.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

describe.skipIf(missing)(`kills of turns${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  test('[TU1][TU3][TU4][TU6] whatever is killed wherever in a turn, it is gone on with, and ends once', async () => {
    const kills = { worker: 14, renderer: 4, browser: 2 };
    const { violations } = await runTurnKills({ kills, seed: 7 });
    expect(violations).toEqual([]);
  }, 600_000);
});
