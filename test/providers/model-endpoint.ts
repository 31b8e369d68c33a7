import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import type { Play } from '../e2e/plays.ts';

/** What an endpoint was asked. */
export interface EndpointRequest {
  readonly path: string;
  readonly body: { readonly messages?: readonly { readonly role: string; readonly content: unknown }[] };
}

/** A model server on the loopback interface that plays what it is told to, one play for each request. */
export class ModelEndpoint {
  readonly requests: EndpointRequest[] = [];
  readonly #plays: Play[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then(async (body) => {
        this.requests.push({
          path: request.url ?? '',
          body: JSON.parse(body) as EndpointRequest['body'],
        });
        const play = this.#plays.shift();
        if (play === undefined) response.writeHead(418).end();
        else await play(response, request);
      });
    });
  }

  static async start(): Promise<ModelEndpoint> {
    const endpoint = new ModelEndpoint();
    await new Promise<void>((resolve) => endpoint.#server.listen(0, '127.0.0.1', resolve));
    return endpoint;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Forgets what came and what was to be played, and plays these. */
  expect(plays: readonly Play[]): void {
    this.requests.length = 0;
    this.#plays.splice(0, Infinity, ...plays);
  }

  /** How many plays nobody asked for. */
  get left(): number {
    return this.#plays.length;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
