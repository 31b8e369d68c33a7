import type { RuntimeClient, SessionClient } from 'lash-web';

import { readableNodes } from './readable-nodes.ts';
import { saveBlob, saveFile } from './save-file.ts';

/** Chats that leave as files, and files that become chats. */
export class Transfers {
  /** What is under way, in words; empty when nothing is. */
  working = '';
  readonly #client: () => RuntimeClient;
  readonly #changed: () => void;

  constructor(client: () => RuntimeClient, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  /** Saves a session as a file that can be imported; `attachments`: with the files in it. */
  async export(sessionId: string, attachments: boolean): Promise<void> {
    await this.#during('Exporting…', async () => {
      await saveFile(await this.#client().exportSession(sessionId, { attachments }));
    });
  }

  /** Saves what can be read of a damaged session. */
  async exportReadable(sessionId: string): Promise<void> {
    const options = { mode: 'readOnly', damaged: 'showSound' } as const;
    const session = await this.#client().openSession(sessionId, options);
    try {
      await this.exportShown(session);
    } finally {
      await session.close();
    }
  }

  /** Saves what can be read of an open session. */
  async exportShown(session: SessionClient): Promise<void> {
    await this.#during('Exporting…', async () => {
      saveBlob('readable-messages.jsonl', await readableNodes(session));
    });
  }

  /** Makes a session of a file, and resolves with its id. @throws `ImportInvalid` */
  async import(file: File): Promise<string> {
    return await this.#during(`Importing ${file.name}…`, async () => {
      const { sessionId } = await this.#client().importSession(file);
      return sessionId;
    });
  }

  async #during<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.working = what;
    this.#changed();
    try {
      return await work();
    } finally {
      this.working = '';
      this.#changed();
    }
  }
}
