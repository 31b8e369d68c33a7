import type { RuntimeClient } from 'lash-web';

/** Whether the worker is there. */
export type ConnectionState = 'connecting' | 'ready' | 'lost';

/** The way to the runtime in the worker. */
export class Connection {
  state: ConnectionState = 'connecting';
  #client: RuntimeClient | null = null;
  readonly #open: () => Promise<RuntimeClient>;
  readonly #changed: () => void;
  readonly #lost: (error: unknown) => void;

  constructor(open: () => Promise<RuntimeClient>, changed: () => void, lost: (error: unknown) => void) {
    this.#open = open;
    this.#changed = changed;
    this.#lost = lost;
  }

  /** The client. @throws as long as there was none. */
  get client(): RuntimeClient {
    if (this.#client === null) throw new Error('The app is still connecting.');
    return this.#client;
  }

  /** Connects, or connects anew once the worker was lost; `prepare` then sees the client before it counts as ready. */
  async connect(prepare: (client: RuntimeClient) => Promise<void>): Promise<void> {
    this.#set('connecting');
    try {
      if (this.#client === null) this.#client = await this.#first();
      else await this.#client.reconnect();
      await prepare(this.#client);
      this.#set('ready');
    } catch (error) {
      this.#set('lost');
      throw error;
    }
  }

  async #first(): Promise<RuntimeClient> {
    const client = await this.#open();
    client.onLost((error) => {
      this.#set('lost');
      this.#lost(error);
    });
    return client;
  }

  #set(state: ConnectionState): void {
    this.state = state;
    this.#changed();
  }
}
