import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { chromiumLaunch } from './engines.ts';

type Params = Readonly<Record<string, unknown>>;

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A worker that was attached to: `sessionId` is the tab's. */
interface WorkerAttached {
  readonly method: 'Target.attachedToTarget';
  readonly sessionId: string;
  readonly params: { readonly sessionId: string; readonly targetInfo: { readonly type: string } };
}

/**
 * A Chromium as people run it, spoken to by the raw DevTools protocol. A driver's defaults keep pages visible, awake and
 * out of the back-forward cache, and so hide what this is for.
 */
export class RawChromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #input: Writable;
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  readonly #workers = new Map<string, string>();
  #sent = 0;
  #received = '';

  private constructor(browser: ChildProcess, profile: string) {
    this.#process = browser;
    this.#profile = profile;
    const [, , , input, output] = browser.stdio;
    this.#input = input as Writable;
    (output as Readable).setEncoding('utf8').on('data', (data: string) => this.#receive(data));
    browser.once('exit', () => {
      for (const { reject } of this.#pending.values()) reject(new Error('Chromium ended'));
    });
  }

  /** Starts one with an empty profile, or resolves with `undefined` where there is none on this machine. */
  static async launch(): Promise<RawChromium | undefined> {
    const executable = chromiumLaunch()?.executablePath;
    if (executable === undefined) return undefined;
    const profile = await mkdtemp(join(tmpdir(), 'lash-web-raw-'));
    const switches = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'];
    const browser = spawn(
      executable,
      [...switches, '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    return new RawChromium(browser, profile);
  }

  async send<T = unknown>(method: string, params: Params = {}, sessionId?: string): Promise<T> {
    const id = ++this.#sent;
    const session = sessionId === undefined ? {} : { sessionId };
    this.#input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return await new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Opens a tab, which becomes the visible one. */
  async openTab(url: string): Promise<RawTab> {
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', { url });
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    });
    const tab = new RawTab(this, targetId, sessionId);
    await tab.send('Page.enable');
    await tab.show();
    return tab;
  }

  /** The session of the worker that was attached to last in the tab of this session. */
  workerOf(sessionId: string): string | undefined {
    return this.#workers.get(sessionId);
  }

  async close(): Promise<void> {
    const ended = this.#process.exitCode === null ? once(this.#process, 'exit') : undefined;
    await this.send('Browser.close').catch(() => this.#process.kill('SIGKILL'));
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 20 });
  }

  #receive(data: string): void {
    const messages = (this.#received + data).split('\0');
    this.#received = messages.pop() ?? '';
    for (const message of messages) {
      const parsed = JSON.parse(message) as Answer | WorkerAttached;
      if ('method' in parsed) {
        this.#note(parsed);
        continue;
      }
      const { id, result, error } = parsed;
      if (id === undefined) continue;
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(result);
      else pending?.reject(new Error(error.message));
    }
  }

  #note({ method, sessionId, params }: WorkerAttached): void {
    if (method === 'Target.attachedToTarget' && params.targetInfo.type === 'worker') {
      this.#workers.set(sessionId, params.sessionId);
    }
  }
}

/** A tab of a {@link RawChromium}. */
export class RawTab {
  readonly #browser: RawChromium;
  readonly #targetId: string;
  readonly #sessionId: string;

  constructor(browser: RawChromium, targetId: string, sessionId: string) {
    this.#browser = browser;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
  }

  async send<T = unknown>(method: string, params: Params = {}): Promise<T> {
    return await this.#browser.send<T>(method, params, this.#sessionId);
  }

  /** Brings it to the front; the others are hidden then. */
  async show(): Promise<void> {
    await this.#browser.send('Target.activateTarget', { targetId: this.#targetId });
  }

  /** Stops or starts its page and workers. Only a hidden page freezes. */
  async freeze(frozen: boolean): Promise<void> {
    await this.send('Page.setWebLifecycleState', { state: frozen ? 'frozen' : 'active' });
  }

  /** What `expression`, or the promise that it is, comes to in the page; it must be data. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails === undefined) return result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** Goes back in its history, as its button does: a page that does so itself may be gone before it has answered. */
  async goBack(): Promise<void> {
    const { currentIndex, entries } = await this.send<{
      currentIndex: number;
      entries: readonly { readonly id: number }[];
    }>('Page.getNavigationHistory');
    await this.send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]?.id });
  }

  /** What its worker's heap holds after a full collection, typed arrays and the like included, in bytes. */
  async workerHeap(): Promise<number> {
    await this.send('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: false,
      flatten: true,
    });
    const worker = this.#browser.workerOf(this.#sessionId);
    if (worker === undefined) throw new Error('the tab runs no worker');
    for (let time = 0; time < 3; time++) await this.#browser.send('HeapProfiler.collectGarbage', {}, worker);
    const usage = await this.#browser.send<{ usedSize: number; backingStorageSize: number }>(
      'Runtime.getHeapUsage',
      {},
      worker,
    );
    return usage.usedSize + usage.backingStorageSize;
  }

  async close(): Promise<void> {
    await this.#browser.send('Target.closeTarget', { targetId: this.#targetId });
  }
}
