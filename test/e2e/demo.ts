import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, type Locator, type Page } from '@playwright/test';

import { parseTraceRecord } from '../../src/contract/trace-schema.ts';
import type { TraceRecord } from '../../src/contract/trace.ts';
import { DOWNLOADS } from './folders.ts';
import type { ModelServer } from './model-server.ts';

/** A file that a person attaches. */
export interface AttachedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** The demo as a person uses it. */
export class Demo {
  readonly page: Page;
  /** The name of the database, which no other test uses. */
  readonly database: string;
  readonly #address: string;

  constructor(page: Page, database: string, address: string) {
    this.page = page;
    this.database = database;
    this.#address = address;
  }

  get status(): Locator {
    return this.page.getByTestId('status');
  }

  get composer(): Locator {
    return this.page.getByTestId('composer');
  }

  get send(): Locator {
    return this.page.getByTestId('send');
  }

  get stop(): Locator {
    return this.page.getByTestId('stop');
  }

  get error(): Locator {
    return this.page.getByTestId('error');
  }

  get sessions(): Locator {
    return this.page.getByTestId('session-item');
  }

  /** The messages that are stored; the answer that is being written is not among them. */
  get messages(): Locator {
    return this.page.locator('[data-testid="message"][data-node-id]');
  }

  get answers(): Locator {
    return this.page.locator('[data-testid="message"][data-node-id][data-role="assistant"]');
  }

  get questions(): Locator {
    return this.page.locator('[data-testid="message"][data-node-id][data-role="user"]');
  }

  /** The answer that is being written. */
  get live(): Locator {
    return this.page.locator('[data-testid="message"]:not([data-node-id])');
  }

  /** The messages that wait for their turn, in their order. */
  get queued(): Locator {
    return this.page.getByTestId('queue-item');
  }

  /** What the turn waits for. */
  get waits(): Locator {
    return this.page.getByTestId('turn-wait');
  }

  /** The rows of the live trace that say how a turn ended. */
  get endedTurns(): Locator {
    return this.traceRows('turn_completed');
  }

  /** The rows of the live trace that show records of this type. */
  traceRows(type: string): Locator {
    return this.page.locator(`[data-testid="trace-row"][data-type="${type}"]`);
  }

  tool(name: string): Locator {
    return this.page.locator(`[data-testid="tool-call"][data-tool="${name}"]`);
  }

  /** Opens the demo, at a session if there is one, and waits until it is connected. */
  async open(sessionId?: string): Promise<void> {
    await this.visit(sessionId);
    await expect(this.status).toHaveText('ready');
  }

  /** Opens the demo without waiting for anything. */
  async visit(sessionId?: string): Promise<void> {
    const hash = sessionId === undefined ? '' : `#session=${encodeURIComponent(sessionId)}`;
    await this.page.goto(`${this.#address}/?db=${this.database}${hash}`);
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await expect(this.status).toHaveText('ready');
  }

  /** Chooses a server in the settings. */
  async useServer(server: ModelServer, apiKey?: string): Promise<void> {
    const { page } = this;
    await page.getByTestId('settings').click();
    await page.getByTestId('provider-select').selectOption('openai-compatible');
    await page.getByTestId('base-url').fill(server.baseUrl);
    await page.getByTestId('model-name').fill('test-model');
    if (apiKey !== undefined) await page.getByTestId('api-key').fill(apiKey);
    await page.getByTestId('settings-save').click();
    await expect(page.getByTestId('settings-dialog')).toBeHidden();
  }

  /** Sends a message and waits until it is stored. */
  async say(text: string, files: readonly AttachedFile[] = []): Promise<void> {
    await this.attach(files);
    await this.composer.fill(text);
    // The chat is shown that it is sent to.
    await expect(this.send).toBeEnabled();
    const before = await this.questions.count();
    await this.send.click();
    await expect(this.questions).toHaveCount(before + 1);
    await expect(this.questions.last()).toContainText(text);
  }

  /** Puts files into the composer and waits until they are stored. */
  async attach(files: readonly AttachedFile[]): Promise<void> {
    if (files.length === 0) return;
    await this.page.getByTestId('attach').setInputFiles([...files]);
    await expect(this.page.locator('form').getByTestId('attachment')).toHaveCount(files.length);
  }

  /** Waits until no turn runs. */
  async settled(): Promise<void> {
    await expect(this.stop).toHaveCount(0);
  }

  /** Shows the storage page, and waits until all of it is there: what comes pushes down what lies below. */
  async openStorage(): Promise<void> {
    await this.page.getByTestId('open-storage').click();
    await expect(this.page.getByTestId('evictable')).toBeVisible();
    await expect(this.page.locator('[data-label=Size]', { hasText: '…' })).toHaveCount(0);
  }

  /** The ids of the stored messages, in order. */
  async nodeIds(): Promise<readonly string[]> {
    return await this.messages.evaluateAll((messages) =>
      messages.map((message) => message.getAttribute('data-node-id') ?? ''),
    );
  }

  /** The id of the open session, as the address says it. */
  sessionId(): string {
    return decodeURIComponent(new URL(this.page.url()).hash.replace('#session=', ''));
  }

  sessionItem(sessionId: string): Locator {
    return this.page.locator(`[data-testid="session-item"][data-session-id="${sessionId}"]`);
  }

  /** Opens the trace panel if it is closed, which it is on small screens. */
  async showTrace(): Promise<void> {
    const toggle = this.page.getByTestId('trace-toggle');
    if ((await toggle.getAttribute('aria-pressed')) === 'false') await toggle.click();
    await expect(this.page.getByTestId('trace-download')).toBeVisible();
  }

  /** Downloads the trace and checks each of its lines. */
  async downloadTrace(): Promise<{
    readonly fileName: string;
    readonly text: string;
    readonly records: TraceRecord[];
  }> {
    await this.showTrace();
    const download = await this.downloaded(() => this.page.getByTestId('trace-download').click());
    const text = await readFile(download.path, 'utf8');
    const lines = text.split('\n');
    expect(lines.pop()).toBe('');
    const records = lines.map((line) => parseTraceRecord(JSON.parse(line)));
    return { fileName: download.fileName, text, records };
  }

  /** The file that `action` makes the browser save. */
  async downloaded(
    action: () => Promise<void>,
  ): Promise<{ readonly fileName: string; readonly path: string }> {
    if (this.page.context().browser()?.browserType().name() !== 'firefox') {
      const [download] = await Promise.all([this.page.waitForEvent('download'), action()]);
      return { fileName: download.suggestedFilename(), path: await download.path() };
    }
    // Playwright does not hear of what Firefox saves from a blob.
    const before = savedFiles();
    await action();
    const added = (): readonly string[] => savedFiles().filter((name) => !before.includes(name));
    await expect.poll(() => added().length === 1 && !added()[0]?.endsWith('.part')).toBe(true);
    const [fileName = ''] = added();
    return { fileName, path: join(DOWNLOADS, fileName) };
  }
}

function savedFiles(): readonly string[] {
  return existsSync(DOWNLOADS)
    ? readdirSync(DOWNLOADS).filter(
        (name) => (statSync(join(DOWNLOADS, name), { throwIfNoEntry: false })?.size ?? 0) > 0,
      )
    : [];
}

/** A text file. */
export function textFile(name: string, text: string): AttachedFile {
  return { name, mimeType: 'text/plain', buffer: Buffer.from(text) };
}

/** A red pixel. */
export function picture(name: string): AttachedFile {
  const base64 =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
  return { name, mimeType: 'image/png', buffer: Buffer.from(base64, 'base64') };
}
