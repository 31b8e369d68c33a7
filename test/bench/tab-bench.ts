import { expect } from 'vitest';

import { type PageSite, servePage } from '../support/built-page.ts';
import { serveWorker } from '../support/built-worker.ts';
import { eventually } from '../support/eventually.ts';
import { RawChromium, type RawTab } from '../support/raw-chromium.ts';

/** What a tab can be asked: each call resolves with data. */
type TabCalls = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A site that was built for production, and the browser in whose tabs it does what it is asked. */
export class TabBench<Calls extends TabCalls> {
  readonly #site: PageSite;
  #browser: RawChromium | undefined;

  private constructor(site: PageSite) {
    this.#site = site;
  }

  /** Tabs whose worker answers. */
  static async ofWorker<Calls extends TabCalls>(entry: string): Promise<TabBench<Calls>> {
    return new TabBench(await serveWorker(entry));
  }

  /** Tabs whose page answers. */
  static async ofPage<Calls extends TabCalls>(entry: string): Promise<TabBench<Calls>> {
    return new TabBench(await servePage(entry));
  }

  /** Starts a browser with a profile of its own: what one figure leaves on disk slows no other one down. */
  async launch(): Promise<void> {
    this.#browser = await RawChromium.launch();
    if (this.#browser === undefined) throw new Error('no Chromium');
  }

  async openTab(): Promise<BenchTab<Calls>> {
    if (this.#browser === undefined) throw new Error('no browser was started');
    const tab = await this.#browser.openTab(this.#site.url);
    await eventually(async () => expect(await tab.evaluate('typeof call')).toBe('function'));
    return new BenchTab(tab);
  }

  /** Ends the browser. */
  async quit(): Promise<void> {
    await this.#browser?.close();
    this.#browser = undefined;
  }

  async close(): Promise<void> {
    await this.#site.close();
  }
}

/** A tab of the site. */
export class BenchTab<Calls extends TabCalls> {
  readonly #tab: RawTab;

  constructor(tab: RawTab) {
    this.#tab = tab;
  }

  async call<Name extends keyof Calls & string>(
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    return await this.#tab.evaluate<Awaited<ReturnType<Calls[Name]>>>(
      `call(${[name, ...args].map((value) => JSON.stringify(value)).join(', ')})`,
    );
  }

  /** What its worker's heap holds after a full collection, in bytes. */
  async workerHeap(): Promise<number> {
    return await this.#tab.workerHeap();
  }

  async close(): Promise<void> {
    await this.#tab.close();
  }
}
