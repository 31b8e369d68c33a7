import type { RuntimeClient } from 'lash-web';

import { credentialsName, type ModelChoice } from './model-choice.ts';

/** The API keys that were typed since the page was opened. They live here and in the worker, and nowhere else. */
export class Keys {
  readonly #secrets = new Map<string, string>();

  /** Keeps `key` for the server of `choice` and gives it to the runtime. */
  async give(client: RuntimeClient, choice: ModelChoice, key: string): Promise<void> {
    const name = credentialsName(choice.baseUrl);
    this.#secrets.set(name, key);
    await client.setCredentials(name, key);
  }

  /** Gives a new worker what the old one knew. */
  async giveAll(client: RuntimeClient): Promise<void> {
    for (const [name, key] of this.#secrets) await client.setCredentials(name, key);
  }

  /** The name of the key for the server of `choice`, if there is one. */
  nameFor(choice: ModelChoice): string | undefined {
    if (choice.provider !== 'openai-compatible') return undefined;
    const name = credentialsName(choice.baseUrl);
    return this.#secrets.has(name) ? name : undefined;
  }
}
