import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { servePage, type PageSite } from '../support/built-page.ts';
import { chromiumLaunch } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { RawChromium, type RawTab } from '../support/raw-chromium.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

/** How often a page is left and come back to: whatever costs it the cache may do so only at times. */
const VISITS = 4;
/** What the browser says kept the page out of the cache. */
const WHY_NOT = `performance.getEntriesByType('navigation')[0].notRestoredReasons?.toJSON() ?? null`;

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
    await eventually(async () => expect(await tab.evaluate(expression)).toEqual(expected));
  }

  /** A page that waits for an approval, gone for `awayMs` and come back. */
  async function goneAndBack(awayMs: number): Promise<RawTab> {
    const tab = await browser.openTab(site.url);
    await until(tab, 'typeof probe', 'object');
    await tab.evaluate(`probe.ready.then((session) => {
      probe.turn = session.turn('call guarded {}');
      probe.turn.result.catch(() => undefined);
      return probe.turn.accepted;
    })`);
    await tab.send('Page.navigate', { url: 'about:blank' });
    await until(tab, 'location.href', 'about:blank');
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    await tab.goBack();
    await until(tab, `[globalThis.probe?.shown.at(-1) ?? null, ${WHY_NOT}]`, [true, null]);
    return tab;
  }

  test('[WB2] takes a page that has a worker and calls that wait; it misses nothing, and still hears that its worker dies', async () => {
    // Longer than a worker may be silent.
    const tab = await goneAndBack(12_000);
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
  });

  test('[WB2] takes it each time, though it is left while its worker holds the lease of a session', async () => {
    for (let visit = 0; visit < VISITS; visit++) await (await goneAndBack(500)).close();
  });
});
