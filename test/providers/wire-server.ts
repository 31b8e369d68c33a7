import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { type FixtureOpts, LLMock } from '@copilotkit/aimock';

import { ANSWERS, PNG, type WireFault } from './wires.ts';

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-expose-headers': 'retry-after',
};
const usage = { prompt_tokens: 30, completion_tokens: 12 };
const inPieces: FixtureOpts = { chunkSize: 6 };

/**
 * A server on the loopback interface that speaks every wire. Each address that {@link WireServer.url} gives is a server
 * of its own: there may be something wrong with its first
 * answer, as the address says.
 */
export class WireServer {
  /** The bodies that came, as they came. */
  readonly requests: string[] = [];
  /** The events of the answers that were sent whole. */
  readonly answers: (readonly string[])[] = [];
  /** What the server stored of whole answers, as the Responses API does, by its ids. */
  readonly #stored = new Set<string>();
  readonly #mock = new LLMock({ port: 0, host: '127.0.0.1' });
  readonly #spoilt = new Set<string>();
  readonly #server: Server;
  #addresses = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    const { reasoning, weather, picture } = ANSWERS;
    this.#mock.addFixture({
      ...inPieces,
      match: { userMessage: 'reasoning' },
      response: { content: reasoning.say, reasoning: reasoning.thought, usage },
    });
    this.#mock.addFixture({
      ...inPieces,
      match: { userMessage: 'weather', hasToolResult: true },
      response: { content: weather.afterwards, usage },
    });
    const toolCalls = weather.cities.map((city, index) => ({
      name: 'weather',
      id: `call_${index}`,
      arguments: JSON.stringify({ city }),
    }));
    this.#mock.addFixture({
      ...inPieces,
      match: { userMessage: 'weather', hasToolResult: false },
      response: { content: weather.say, reasoning: weather.thought, toolCalls, usage },
    });
    this.#mock.addFixture({
      ...inPieces,
      match: { userMessage: 'picture' },
      response: { content: picture.say, usage },
    });
  }

  static async start(): Promise<WireServer> {
    const server = new WireServer();
    await server.#mock.start();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** The address of a server, and what is wrong with its first answer. */
  url(fault?: WireFault): string {
    const { port } = this.#server.address() as AddressInfo;
    const path = fault === undefined ? 'whole' : `${fault.how}-${fault.after}`;
    return `http://127.0.0.1:${port}/${++this.#addresses}/${path}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    await this.#mock.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'OPTIONS') {
      response.writeHead(204, CORS).end();
      return;
    }
    const [, address = '', path = '', ...rest] = (request.url ?? '').split('/');
    const body = await text(request);
    this.requests.push(body);
    const broken = body.includes('picture') && !body.includes(PNG) ? 'no picture' : this.#brokenItem(body);
    if (broken !== undefined) {
      response.writeHead(400, CORS).end(JSON.stringify({ error: { message: broken } }));
      return;
    }
    const [how = '', after = ''] = path.split('-');
    const sound = how === 'whole' || this.#spoilt.has(address);
    this.#spoilt.add(address);
    if (!sound && how === 'refuses') {
      response.writeHead(429, { ...CORS, 'retry-after': after }).end();
      return;
    }
    const answer = await fetch(`${this.#mock.url}/${rest.join('/')}`, {
      method: 'POST',
      headers: headersOf(request),
      body,
    });
    const type = answer.headers.get('content-type') ?? 'text/plain';
    const events = (await answer.text()).split(/(?<=\n\n)/u);
    response.writeHead(answer.status, { ...CORS, 'content-type': type });
    if (!sound && how !== 'dribbles') {
      const next = Buffer.from(events[Number(after)] ?? '');
      await write(response, [...events.slice(0, Number(after)), next.subarray(0, next.length / 2)]);
      if (how === 'breaks') response.destroy();
      if (how === 'ends') response.end();
      return;
    }
    this.answers.push(events);
    for (const [, id = ''] of events.join('').matchAll(/"id":"((?:rs|msg|fc)-[^"]+)"/gu))
      this.#stored.add(id);
    await write(
      response,
      how === 'dribbles' ? Array.from(Buffer.from(events.join('')), (byte) => Uint8Array.of(byte)) : events,
    );
    response.end();
  }

  /** What the Responses API refuses: items that it does not have, and reasoning without what it led to. */
  #brokenItem(body: string): string | undefined {
    const { input = [] } = JSON.parse(body) as { input?: readonly { type?: string; id?: string }[] };
    for (const [index, { type, id = '' }] of input.entries()) {
      if (type !== 'item_reference') continue;
      if (!this.#stored.has(id)) return `Item with id '${id}' not found.`;
      if (id.startsWith('rs') && input[index + 1]?.type !== 'item_reference')
        return `Item '${id}' of type 'reasoning' was provided without its required following item.`;
    }
    return undefined;
  }
}

async function write(response: ServerResponse, pieces: readonly (string | Uint8Array)[]): Promise<void> {
  // What is destroyed before it was written would never leave.
  for (const piece of pieces) await new Promise<void>((resolve) => response.write(piece, () => resolve()));
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const kept = ['content-type', 'authorization', 'x-api-key', 'x-goog-api-key', 'anthropic-version'];
  return Object.fromEntries(
    kept.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
  );
}
