import { expect } from '@playwright/test';

import type { RawChromium, RawTab } from '../support/raw-chromium.ts';
import type { ModelServer } from './model-server.ts';

const PATIENCE_MS = 60_000;

/** The demo in a tab of a Chromium that no driver keeps awake. */
export class RawDemo {
  readonly tab: RawTab;

  private constructor(tab: RawTab) {
    this.tab = tab;
  }

  /** Opens a tab, which becomes the visible one, and waits until the demo in it is connected. */
  static async open(browser: RawChromium, url: string): Promise<RawDemo> {
    const demo = new RawDemo(await browser.openTab(url));
    await demo.expectTexts('[data-testid=status]', ['ready']);
    return demo;
  }

  async useServer(server: ModelServer): Promise<void> {
    await this.#press('settings');
    await this.#fill('provider-select', 'openai-compatible');
    await this.#fill('base-url', server.baseUrl);
    await this.#fill('model-name', 'test-model');
    await this.#press('settings-save');
  }

  async say(text: string): Promise<void> {
    await this.#fill('composer', text);
    await this.#press('send');
  }

  /** Waits until the elements hold these texts, and no others are there. */
  async expectTexts(selector: string, texts: readonly string[]): Promise<void> {
    const read = `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => element.innerText.trim())`;
    // A page that is just being loaded cannot be asked.
    await expect(async () => {
      expect(await this.tab.evaluate(read), selector).toEqual(texts);
    }).toPass({ timeout: PATIENCE_MS });
  }

  /** The ids of the stored messages, in order. */
  async nodeIds(): Promise<readonly string[]> {
    return await this.tab.evaluate(
      `[...document.querySelectorAll('[data-testid=message][data-node-id]')].map(({ dataset }) => dataset.nodeId)`,
    );
  }

  async address(): Promise<string> {
    return await this.tab.evaluate('location.href');
  }

  /** Waits until no tab answers, twice, whoever asks what runs in the session that this one shows. */
  async expectNobodyRuns(): Promise<void> {
    const ask = `new Promise((resolve) => {
      const database = new URLSearchParams(location.search).get('db');
      const session = decodeURIComponent(location.hash.replace('#session=', ''));
      const channel = new BroadcastChannel('lash-web ' + JSON.stringify([database, session]));
      const end = (answered) => (channel.close(), resolve(answered));
      channel.onmessage = ({ data }) => data.kind === 'turn' && end(true);
      setTimeout(() => end(false), 500);
      channel.postMessage({ kind: 'following' });
    })`;
    await expect(async () => {
      for (let time = 0; time < 2; time++) expect(await this.tab.evaluate(ask)).toBe(false);
    }).toPass({ timeout: PATIENCE_MS });
  }

  /** Whether the page is hidden: only then it can be frozen. */
  async isHidden(): Promise<boolean> {
    return await this.tab.evaluate(`document.visibilityState === 'hidden'`);
  }

  /** Waits until a button or field with this test id is there and can be used, and uses it. */
  async #use(testId: string, action: string): Promise<void> {
    const use = `(() => {
      const element = document.querySelector('[data-testid=${testId}]');
      if (element === null || element.disabled) return false;
      ${action};
      return true;
    })()`;
    await expect.poll(() => this.tab.evaluate(use), { message: testId }).toBe(true);
  }

  async #press(testId: string): Promise<void> {
    await this.#use(testId, 'element.click()');
  }

  async #fill(testId: string, value: string): Promise<void> {
    const fill = `element.value = ${JSON.stringify(value)};
      for (const type of ['input', 'change']) element.dispatchEvent(new InputEvent(type, { bubbles: true }))`;
    await this.#use(testId, fill);
  }
}
