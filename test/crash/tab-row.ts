import { setTimeout as sleep } from 'node:timers/promises';

import { RawChromium, type RawTab } from '../support/raw-chromium.ts';

/** What happens to a tab: its renderer crashes, or it is frozen as a browser does it to a hidden page. */
export type Fate = 'crash' | 'freeze';

/** How long a tab may take to answer, in milliseconds. */
const DEADLINE_MS = 60_000;

/** Tabs of one browser, all of them hidden behind another one: only a hidden page freezes. */
export class TabRow {
  readonly #browser: RawChromium;
  readonly #url: string;
  readonly #front: RawTab;
  readonly #tabs: RawTab[] = [];
  readonly #fates = new Map<number, Fate>();

  private constructor(browser: RawChromium, url: string, front: RawTab) {
    this.#browser = browser;
    this.#url = url;
    this.#front = front;
  }

  /** Starts a browser with so many tabs that show `url`. */
  static async launch(url: string, count: number): Promise<TabRow> {
    const browser = await RawChromium.launch();
    if (browser === undefined) throw new Error('no Chromium');
    const row = new TabRow(browser, url, await browser.openTab('about:blank'));
    for (let tab = 0; tab < count; tab++) await row.#load(tab);
    return row;
  }

  get size(): number {
    return this.#tabs.length;
  }

  /** Whether a tab runs: nothing happened to it, or it was brought back since. */
  runs(tab: number): boolean {
    return !this.#fates.has(tab);
  }

  /** Asks the worker of a tab. */
  async call<T>(tab: number, name: string, ...args: readonly unknown[]): Promise<T> {
    const list = ["'" + name + "'", ...args.map((arg) => JSON.stringify(arg))].join(', ');
    const late = new AbortController();
    const asked = this.#tab(tab).evaluate<T>(`call(${list})`);
    const missing = sleep(DEADLINE_MS, null, { signal: late.signal }).then(() => {
      throw new Error(`tab ${tab}, ${name}: no answer in ${DEADLINE_MS} ms`);
    });
    try {
      return await Promise.race([asked, missing]);
    } finally {
      late.abort();
      missing.catch(() => undefined);
    }
  }

  /** Stops a tab, and waits for nothing. */
  stop(tab: number, fate: Fate): void {
    this.#fates.set(tab, fate);
    const stopping = fate === 'crash' ? this.#tab(tab).send('Page.crash') : this.#tab(tab).freeze(true);
    // Nobody is left to answer.
    stopping.catch(() => undefined);
  }

  /** Lets a frozen tab run again, or opens another one for one that crashed. Resolves with whether it is another one. */
  async bringBack(tab: number): Promise<boolean> {
    const fate = this.#fates.get(tab);
    this.#fates.delete(tab);
    if (fate === 'freeze') await this.#tab(tab).freeze(false);
    if (fate !== 'crash') return false;
    await this.#tab(tab).close();
    await this.#load(tab);
    return true;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  #tab(tab: number): RawTab {
    const known = this.#tabs[tab];
    if (known === undefined) throw new Error(`no tab ${tab}`);
    return known;
  }

  async #load(tab: number): Promise<void> {
    const opened = await this.#browser.openTab(this.#url);
    this.#tabs[tab] = opened;
    await until(async () => (await opened.evaluate('typeof call')) === 'function', 'a tab does not load');
    await this.#front.show();
    const hidden = async (): Promise<boolean> =>
      (await opened.evaluate('document.visibilityState')) === 'hidden';
    await until(hidden, 'a tab is not hidden');
  }
}

/** Waits until something is so; within a minute, or something hangs. */
export async function until(check: () => Promise<boolean>, otherwise: string): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(otherwise);
    await sleep(20);
  }
}
