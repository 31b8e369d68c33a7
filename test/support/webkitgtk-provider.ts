import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { defineBrowserProvider } from '@vitest/browser';
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node';

import type { WebKitGtkPaths } from './engines.ts';
import { freePort } from './free-port.ts';

declare module 'vitest/internal/browser' {
  interface BrowserCommands {
    /** What Vitest calls by this name in any provider, to size the page. */
    __vitest_viewport(size: { width: number; height: number }): Promise<void>;
  }
}

const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 5_000;

// A process group of its own, which ends as a whole when its command ends, or when whoever holds its input is gone.
const ENDS_TOGETHER = '("$@"; kill -- -$$) & cat > /dev/null; kill -- -$$';

/** One request of the WebDriver protocol; `value` of the answer is what the command returns. */
async function command(base: string, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(base + path, { method, ...(body && { body: JSON.stringify(body) }) });
  const answer = (await response.json()) as { value: unknown };
  if (!response.ok) throw new Error(`WebKitWebDriver: ${method} ${path}: ${JSON.stringify(answer.value)}`);
  return answer.value;
}

/** A virtual screen, a driver on it, and one browser window: started together, ended together. */
class WebKitGtkWindow {
  readonly #screen: ChildProcess;
  readonly #base: string;
  #session = '';

  private constructor(screen: ChildProcess, base: string) {
    this.#screen = screen;
    this.#base = base;
  }

  static async open(paths: WebKitGtkPaths): Promise<WebKitGtkWindow> {
    const port = await freePort();
    const screen = spawn(
      'sh',
      [
        '-c',
        ENDS_TOGETHER,
        'sh',
        paths.xvfbRun,
        '-a',
        '-s',
        '-screen 0 1280x800x24 -nolisten tcp',
        paths.driver,
        '--host=127.0.0.1',
        `--port=${port}`,
      ],
      {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        env: { ...process.env, WEBKIT_DISABLE_COMPOSITING_MODE: '1' },
      },
    );
    const window = new WebKitGtkWindow(screen, `http://127.0.0.1:${port}`);
    try {
      await window.#waitForDriver();
      const { sessionId } = (await command(window.#base, 'POST', '/session', {
        capabilities: {
          alwaysMatch: { 'webkitgtk:browserOptions': { binary: paths.miniBrowser, args: ['--automation'] } },
        },
      })) as { sessionId: string };
      window.#session = sessionId;
      return window;
    } catch (error) {
      await window.close();
      throw error;
    }
  }

  async #waitForDriver(): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MS;
    let failure: Error | undefined;
    this.#screen.once('error', (error) => (failure = error));
    while (Date.now() < deadline) {
      if (failure !== undefined) throw failure;
      if (this.#hasEnded()) throw new Error('WebKitWebDriver ended before it answered');
      const ready = await command(this.#base, 'GET', '/status').then(
        () => true,
        () => false,
      );
      if (ready) return;
      await sleep(100);
    }
    throw new Error(`WebKitWebDriver did not answer in ${START_DEADLINE_MS} ms`);
  }

  #hasEnded(): boolean {
    return this.#screen.exitCode !== null || this.#screen.signalCode !== null;
  }

  async navigate(url: string): Promise<void> {
    await command(this.#base, 'POST', `/session/${this.#session}/url`, { url });
  }

  async resize(width: number, height: number): Promise<void> {
    await command(this.#base, 'POST', `/session/${this.#session}/window/rect`, { width, height });
  }

  async close(): Promise<void> {
    const ended = this.#hasEnded() ? Promise.resolve() : once(this.#screen, 'exit');
    if (this.#session !== '') {
      const closed = command(this.#base, 'DELETE', `/session/${this.#session}`).catch(() => undefined);
      await Promise.race([closed, sleep(STOP_DEADLINE_MS, undefined, { ref: false })]);
      this.#session = '';
    }
    this.kill('SIGTERM');
    await Promise.race([ended, sleep(STOP_DEADLINE_MS, undefined, { ref: false })]);
    this.kill('SIGKILL');
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#screen.pid === undefined) return;
    try {
      process.kill(-this.#screen.pid, signal);
    } catch {
      // The whole group has ended already.
    }
  }
}

class WebKitGtkProvider implements BrowserProvider {
  readonly name = 'webkitgtk';
  readonly supportsParallelism = false;
  readonly #paths: WebKitGtkPaths;
  #window: Promise<WebKitGtkWindow> | undefined;
  #opened: WebKitGtkWindow | undefined;
  readonly #onExit = (): void => this.#opened?.kill('SIGKILL');

  constructor(project: TestProject, paths: WebKitGtkPaths) {
    this.#paths = paths;
    project.browser?.registerCommand('__vitest_viewport', async (_context, size) => {
      await this.#opened?.resize(size.width, size.height);
    });
    process.once('exit', this.#onExit);
  }

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    this.#window ??= WebKitGtkWindow.open(this.#paths);
    this.#opened = await this.#window;
    await this.#opened.navigate(url);
  }

  async close(): Promise<void> {
    const window = await this.#window?.catch(() => undefined);
    this.#window = undefined;
    this.#opened = undefined;
    await window?.close();
    process.removeListener('exit', this.#onExit);
  }
}

/** A Vitest browser provider that drives WebKitGTK's MiniBrowser by WebDriver on a virtual screen. */
export const webkitgtk = (paths: WebKitGtkPaths): BrowserProviderOption =>
  defineBrowserProvider({
    name: 'webkitgtk',
    providerFactory: (project: TestProject) => new WebKitGtkProvider(project, paths),
  });
