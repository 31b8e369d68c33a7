import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Browser, chromium, type Page } from 'playwright';

import { type BackEnd, backEndsOf } from '../support/back-ends.ts';
import { chromiumLaunch, SQLITE_SWITCH } from '../support/engines.ts';

const SWITCHES = ['--headless=new', '--no-sandbox', '--remote-debugging-port=0'];

/** A Chromium with a profile of its own, which can be killed as a whole and started again on what it left behind. */
export class CrashBrowser {
  readonly backEnd: BackEnd;
  readonly #profile: string;
  readonly #url: string;
  #process: ChildProcess | undefined;
  #browser: Browser | undefined;
  #page: Page | undefined;

  private constructor(backEnd: BackEnd, profile: string, url: string) {
    this.backEnd = backEnd;
    this.#profile = profile;
    this.#url = url;
  }

  /** Starts one whose pages show `url`. */
  static async launch(backEnd: BackEnd, url: string): Promise<CrashBrowser> {
    const profile = await mkdtemp(join(tmpdir(), `lash-web-crash-${backEnd}-`));
    const launched = new CrashBrowser(backEnd, profile, url);
    await launched.#start();
    return launched;
  }

  /** The page, with a worker that nothing was asked of yet. */
  async freshPage(): Promise<Page> {
    if (this.#browser === undefined) await this.#start();
    const page = this.#page ?? (await this.#browser?.contexts()[0]?.newPage());
    if (page === undefined) throw new Error('Chromium has no page');
    this.#page = page;
    await page.goto(this.#url);
    return page;
  }

  /** Another page beside it, for whoever closes it. */
  async otherPage(): Promise<Page> {
    const page = await this.#browser?.contexts()[0]?.newPage();
    if (page === undefined) throw new Error('Chromium has no page');
    await page.goto(this.#url);
    return page;
  }

  /** Crashes the renderer of the page. */
  async crashPage(): Promise<void> {
    const page = this.#page;
    if (page === undefined) throw new Error('there is no page to crash');
    const crashed = page.waitForEvent('crash');
    const devTools = await page.context().newCDPSession(page);
    // Nobody is left to answer.
    devTools.send('Page.crash').catch(() => undefined);
    await crashed;
    this.#page = undefined;
    await page.close();
  }

  /** Kills every process of the browser at once. */
  async kill(): Promise<void> {
    const browser = this.#process;
    if (browser?.pid === undefined) throw new Error('there is no browser to kill');
    const ended = once(browser, 'exit');
    process.kill(-browser.pid, 'SIGKILL');
    await ended;
    await this.#browser?.close();
    this.#browser = undefined;
    this.#page = undefined;
    this.#process = undefined;
  }

  /** How the profile keeps what is stored. */
  storedAs(): readonly BackEnd[] {
    return backEndsOf(this.#profile);
  }

  async close(): Promise<void> {
    if (this.#process !== undefined) await this.kill();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  async #start(): Promise<void> {
    const { executablePath, args: usual = [] } = chromiumLaunch() ?? {};
    if (executablePath === undefined) throw new Error('no Chromium');
    const features = this.backEnd === 'sqlite' ? [SQLITE_SWITCH] : [];
    const args = [...SWITCHES, ...usual, ...features, `--user-data-dir=${this.#profile}`];
    // A group of its own, which is killed as one.
    this.#process = spawn(executablePath, [...args, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.#browser = await chromium.connectOverCDP(await addressOf(this.#process));
  }
}

/** Where it listens, as it says on its error output. */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) throw new Error('Chromium has no output');
  let text = '';
  return await new Promise((resolve, reject) => {
    stderr.setEncoding('utf8');
    stderr.on('data', (data: string) => {
      text = (text + data).slice(-10_000);
      const address = /DevTools listening on (\S+)/u.exec(text)?.[1];
      if (address !== undefined) resolve(address);
    });
    stderr.once('end', () => reject(new Error(`Chromium ended: ${text}`)));
  });
}
