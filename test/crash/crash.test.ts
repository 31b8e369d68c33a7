import { describe, expect, test } from 'vitest';

import { chromiumLaunch } from '../support/engines.ts';
import { runCampaign } from './campaign.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

describe.skipIf(missing)(`kills${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  test('[ST1][ST4][ST14] whatever is killed at whatever boundary, what was acknowledged is there, nothing is half done, and the next worker comes to the same end', async () => {
    const kills = { worker: 36, renderer: 10, browser: 4 };
    const { violations } = await runCampaign({ kills, seed: 7, rounds: 1 });
    expect(violations).toEqual([]);
  }, 600_000);
});
