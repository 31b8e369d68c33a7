import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One thing that was done outside of the browser: what, by whom, and when. */
export interface Happening {
  readonly what: string;
  readonly by: string;
  readonly at: number;
}

/**
 * What is outside of the browser, and survives whatever is killed in it: tools have their side effects here, and models are
 * asked here. Worlds of different names have nothing to do with each other.
 */
export class Outside {
  readonly #server: Server;
  readonly #worlds = new Map<string, Happening[]>();

  private constructor() {
    this.#server = createServer(({ url = '/', method }, response) => {
      const [, world = '', what = '', by = ''] = url.split('/').map(decodeURIComponent);
      response.setHeader('access-control-allow-origin', '*');
      if (method === 'POST') this.#note(world, { what, by, at: performance.now() });
      response.end(String(this.count(world, what)));
    });
  }

  static async start(): Promise<Outside> {
    const outside = new Outside();
    outside.#server.listen(0, '127.0.0.1');
    await once(outside.#server, 'listening');
    return outside;
  }

  /** Where what is done to this world is told; the answer is how often that was done so far. */
  urlOf(world: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${encodeURIComponent(world)}`;
  }

  /** What was done to this world, in order. */
  happened(world: string): readonly Happening[] {
    return this.#worlds.get(world) ?? [];
  }

  count(world: string, what: string): number {
    return this.happened(world).filter((one) => one.what === what).length;
  }

  forget(world: string): void {
    this.#worlds.delete(world);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #note(world: string, happening: Happening): void {
    const known = this.#worlds.get(world);
    if (known === undefined) this.#worlds.set(world, [happening]);
    else known.push(happening);
  }
}
