import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { serveWorker, type WorkerSite } from '../support/built-worker.ts';
import { chromiumLaunch } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { RawChromium, type RawTab } from '../support/raw-chromium.ts';

const missing = chromiumLaunch()?.executablePath === undefined;

interface Answer {
  readonly value?: number | null;
  readonly code?: string;
}

describe.skipIf(missing)(`real tabs${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  let site: WorkerSite;
  let browser: RawChromium;

  beforeAll(async () => {
    site = await serveWorker('test/stores/faults-tabs.worker.ts');
    const launched = await RawChromium.launch();
    if (launched === undefined) throw new Error('no Chromium');
    browser = launched;
  });

  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  async function isReady(tab: RawTab): Promise<void> {
    await eventually(async () => expect(await tab.evaluate('typeof call')).toBe('function'));
  }

  async function open(): Promise<RawTab> {
    const tab = await browser.openTab(site.url);
    await isReady(tab);
    return tab;
  }

  const call = <T = Answer>(tab: RawTab, name: string): Promise<T> => tab.evaluate<T>(`call('${name}')`);

  test('[ST16] one that is frozen in a transaction makes the other StorageBlocked while it is, which goes on once it wakes', async () => {
    const first = await open();
    expect(await call(first, 'add')).toMatchObject({ value: null });
    const second = await open();
    expect(await call(second, 'read')).toMatchObject({ value: 1 });
    await call(first, 'hold');
    await eventually(async () => {
      expect(await first.evaluate('document.visibilityState')).toBe('hidden');
    });
    await first.freeze(true);
    // One that is only slow answers the second time.
    await eventually(async () => {
      for (let time = 0; time < 2; time++) expect(await call(second, 'isOtherAwake')).toBe(false);
    });

    const third = await open();
    const answers = await Promise.all([call(second, 'add'), call(second, 'read'), call(third, 'add')]);
    expect(answers.map(({ code }) => code)).toEqual(Array(3).fill('StorageBlocked'));
    expect(await call(second, 'events')).toEqual(['blocked', 'blocked']);

    await first.freeze(false);
    await call(first, 'letGo');
    expect(await call(second, 'read')).toMatchObject({ value: 2 });
    expect(await call(third, 'add')).toMatchObject({ value: null });
    expect(await call(first, 'read')).toMatchObject({ value: 3 });
    expect(await call(second, 'events')).toEqual(['blocked', 'blocked', 'healed']);
  });

  test('[ST16] one that comes back out of the back-forward cache goes on with its connection', async () => {
    const tab = await open();
    await call(tab, 'add');
    const { value } = await call(tab, 'read');
    await tab.evaluate(`globalThis.mark = 'kept'; addEventListener('pageshow', ({ persisted }) => {
      globalThis.mark += persisted ? ' and cached' : '';
    })`);
    await tab.send('Page.navigate', { url: `${site.url}elsewhere` });
    await eventually(async () => {
      expect(await tab.evaluate('location.pathname + document.readyState')).toBe('/elsewherecomplete');
    });
    await isReady(tab);
    await call(tab, 'add');
    await tab.goBack();
    await eventually(async () => {
      expect(await tab.evaluate('globalThis.mark')).toBe('kept and cached');
    });
    expect(await call(tab, 'read')).toMatchObject({ value: (value ?? 0) + 1 });
    await call(tab, 'add');
    expect(await call(tab, 'read')).toMatchObject({ value: (value ?? 0) + 2 });
    expect(await call(tab, 'events')).toEqual([]);
  });
});
