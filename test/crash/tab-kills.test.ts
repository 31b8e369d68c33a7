import { describe, expect, test } from 'vitest';

import { chromiumLaunch } from '../support/engines.ts';
import { runTabKills } from './tab-kills.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

describe.skipIf(missing)(`tabs that stop in a turn${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  test('[TU1][TU3][WS2][FO5] whichever tab crashes or freezes, another one goes on, and every input is answered once', async () => {
    const { counts, violations } = await runTabKills({ kills: 6, seed: 1 });
    expect(violations).toEqual([]);
    expect(counts).toEqual({ crash: 4, freeze: 2 });
  }, 600_000);
});
