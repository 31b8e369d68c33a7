import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { servePage, type PageSite } from '../support/built-page.ts';
import { chromiumLaunch } from '../support/engines.ts';
import { RawChromium, type RawTab } from '../support/raw-chromium.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

/** How often the page is left and come back to until the cache has taken it. */
const VISITS = 5;

describe.skipIf(missing)(`the back-forward cache${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  let site: PageSite;
  let browser: RawChromium;

  beforeAll(async () => {
    site = await servePage('test/worker/back-forward.page.ts');
    const launched = await RawChromium.launch();
    if (launched === undefined) throw new Error('no Chromium');
    browser = launched;
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  /** What the page says, once it does. */
  async function until(tab: RawTab, expression: string, expected: unknown): Promise<void> {
    await vi.waitFor(async () => expect(await tab.evaluate(expression)).toEqual(expected), 20_000);
  }

  /** A page that waits for an approval, gone and come back; `null` if it was made anew. */
  async function goneAndBack(): Promise<RawTab | null> {
    const tab = await browser.openTab(site.url);
    await until(tab, 'typeof probe', 'object');
    await tab.evaluate(`probe.ready.then((session) => {
      probe.turn = session.turn('call guarded {}');
      probe.turn.result.catch(() => undefined);
      return probe.turn.accepted;
    })`);
    await tab.send('Page.navigate', { url: 'about:blank' });
    await until(tab, 'location.href', 'about:blank');
    // Longer than a worker may be silent.
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    await tab.evaluate('history.back()');
    await until(tab, '(globalThis.probe?.shown ?? []).length > 0', true);
    if ((await tab.evaluate<readonly boolean[]>('probe.shown')).includes(true)) return tab;
    await tab.close();
    return null;
  }

  /** Chromium throws a page out at times (`weblocks-contention`), whatever it waits for; one that never comes back is a fault. */
  async function cached(): Promise<RawTab> {
    for (let visit = 0; visit < VISITS; visit++) {
      const tab = await goneAndBack();
      if (tab !== null) return tab;
    }
    throw new Error('the back-forward cache does not take the page');
  }

  test('[WB2] takes a page that has a worker and calls that wait; it misses nothing, and still hears that its worker dies', async () => {
    const tab = await cached();
    const status = `(async () => {
      const session = await probe.ready;
      const [{ waits }] = await session.pendingTurns();
      await session.answer(waits[0].requestId, { approve: true });
      return (await probe.turn.result).status;
    })()`;
    expect(await tab.evaluate(status)).toBe('completed');
    expect(await tab.evaluate('probe.lost')).toEqual([]);
    await tab.evaluate('probe.kill()');
    await until(tab, 'probe.lost', ['WorkerLost']);
    await tab.close();
  }, 150_000);
});
