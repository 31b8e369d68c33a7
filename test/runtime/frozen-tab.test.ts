import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { serveWorker, type WorkerSite } from '../support/built-worker.ts';
import { chromiumLaunch } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { RawChromium, type RawTab } from '../support/raw-chromium.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

interface Refusal {
  readonly code: string;
  readonly ms: number;
}

interface View {
  readonly writer: string;
  readonly turnId: string | null;
  readonly text: string | null;
  readonly ended: string | null;
  readonly depth: number;
}

describe.skipIf(missing)(`a tab that is frozen${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  let site: WorkerSite;
  let browser: RawChromium;

  beforeAll(async () => {
    site = await serveWorker('test/runtime/frozen.worker.ts');
  });

  afterAll(async () => {
    await site.close();
  });

  async function withBrowser(run: () => Promise<void>): Promise<void> {
    const launched = await RawChromium.launch();
    if (launched === undefined) throw new Error('no Chromium');
    browser = launched;
    try {
      await run();
    } finally {
      await browser.close();
    }
  }

  async function open(): Promise<RawTab> {
    const tab = await browser.openTab(site.url);
    await eventually(async () => expect(await tab.evaluate('typeof call')).toBe('function'));
    await tab.evaluate(`call('open')`);
    return tab;
  }

  /** Freezes a hidden tab, and waits until its worker has stopped: one that is only slow answers the second time. */
  async function freeze(tab: RawTab, other: RawTab): Promise<void> {
    await eventually(async () => expect(await tab.evaluate('document.visibilityState')).toBe('hidden'));
    await tab.freeze(true);
    await eventually(async () => {
      for (let time = 0; time < 2; time++) expect(await other.evaluate(`call('isOtherAwake')`)).toBe(false);
    });
  }

  it('[WS2][WS3][TU3] in a turn is overtaken by a tab that goes on with it, and follows when it wakes', () =>
    withBrowser(async () => {
      const first = await open();
      expect(await first.evaluate(`call('turn', 'frozen')`)).toMatchObject({ code: 'accepted' });
      const second = await open();
      await eventually(async () => {
        expect(await second.evaluate<View>(`call('view')`)).toMatchObject({
          turnId: 'frozen',
          text: 'so far',
        });
      });
      expect(await second.evaluate(`call('turn', 'refused')`)).toMatchObject({
        code: 'SessionHeldElsewhere',
      });
      await freeze(first, second);

      const taken = await second.evaluate<Refusal>(`call('turn', 'mine')`);
      expect(taken.code).toBe('TurnRunning');
      // It was asked first; how long for, writer-seat.test.ts shows.
      expect(taken.ms).toBeGreaterThan(1000);
      expect(await second.evaluate<View>(`call('view')`)).toMatchObject({
        writer: 'here',
        turnId: 'frozen',
      });

      await first.freeze(false);
      await first.show();
      await first.evaluate(`call('wake')`);
      await eventually(async () => {
        expect(await first.evaluate<View>(`call('view')`)).toMatchObject({
          writer: 'elsewhere',
          ended: null,
          turnId: 'frozen',
          text: 'so far',
          depth: 1,
        });
      });
    }));

  it('[WS7] within a transaction makes the other one StorageBlocked, which takes over once it lets go', () =>
    withBrowser(async () => {
      const first = await open();
      await first.evaluate(`call('turn', 'frozen')`);
      const second = await open();
      await first.evaluate(`call('hold')`);
      await freeze(first, second);

      expect(await second.evaluate(`call('turn', 'mine')`)).toMatchObject({ code: 'StorageBlocked' });
      expect(await second.evaluate<View>(`call('view')`)).toMatchObject({ writer: 'blocked' });

      await first.freeze(false);
      await first.evaluate(`call('letGo')`);
      await eventually(async () => {
        expect(await second.evaluate<View>(`call('view')`)).toMatchObject({ writer: 'here' });
      });
      expect(await second.evaluate(`call('turn', 'mine')`)).toMatchObject({ code: 'TurnRunning' });
      await eventually(async () => {
        expect(await first.evaluate<View>(`call('view')`)).toMatchObject({
          writer: 'elsewhere',
          ended: null,
          turnId: 'frozen',
          depth: 1,
        });
      });
    }));
});
