import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

import {
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  Server,
  type Tool as ListedTool,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';

import { PNG } from '../providers/wires.ts';
import { ECHO_SCHEMA, type McpKind } from './mcp-kinds.ts';

/** The length of the text that the tool `huge` answers with. */
export const HUGE_BYTES = 50 * 2 ** 20;

const anything = { type: 'object' } as const;
const tool = (name: string, more: object = {}): ListedTool => ({
  name,
  description: `Does ${name}.`,
  inputSchema: anything,
  ...more,
});

const TOOLS: readonly ListedTool[] = [
  tool('echo', { inputSchema: ECHO_SCHEMA, annotations: { readOnlyHint: true } }),
  tool('Look-Up'),
  tool('look.up'),
  tool('look  up', { annotations: { idempotentHint: true } }),
  tool('picture'),
  tool('fails'),
  tool('refuses'),
  tool('slow'),
  tool('huge'),
  tool('who'),
  tool('grow'),
];

/** What a lying server lists: one tool that is sound, and others that are not what they should be. */
const LIES: readonly unknown[] = [
  tool('sound'),
  tool('deep'),
  tool('empty'),
  tool('no schema', { inputSchema: 'an object, believe me' }),
  tool('list', { inputSchema: { type: 'array' } }),
  tool('nowhere', { inputSchema: { type: 'object', allOf: [{ $ref: '#/$defs/nowhere' }] } }),
  tool('hidden', { inputSchema: { type: 'object', properties: { a: { $ref: '#/$defs/nowhere' } } } }),
  tool('long', { inputSchema: { type: 'object', description: 'x'.repeat(100_000) } }),
  tool('x'.repeat(300)),
  tool('wordy', { description: 'w'.repeat(100_000) }),
  { description: 'I have no name.', inputSchema: anything },
  'not even an object',
];

const ANSWERS_OF_LIARS: Readonly<Record<string, unknown>> = {
  sound: {
    content: [
      { type: 'image', data: '%%%', mimeType: 'image/png' },
      { type: 'image', data: PNG, mimeType: 'image/svg+xml; evil="yes"' },
      { type: 'hologram', data: 'what?' },
      'not even an object',
      ...Array.from({ length: 30 }, () => ({ type: 'audio', data: '', mimeType: 'audio/wav' })),
    ],
  },
  deep: JSON.parse(`{"structuredContent":${'['.repeat(100)}${']'.repeat(100)},"content":[]}`) as unknown,
};

/** A server of the official SDK on the loopback interface. */
export class McpTestServer {
  /** The `authorization` of each request, if any. */
  readonly authorizations: (string | undefined)[] = [];
  /** Calls of `slow` that were told to stop, and those that began. */
  readonly slow = { begun: 0, stopped: 0 };
  /** How many bytes of the answer to `huge` were written. */
  hugeBytes = 0;
  /** Sessions that were begun, and those that the client has ended. */
  readonly sessions = { begun: 0, ended: 0 };
  /** What was called. */
  readonly calls: string[] = [];
  #port = 0;
  readonly #kind: McpKind;
  readonly #http: HttpServer;
  readonly #sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  readonly #servers = new Set<Server>();
  readonly #modern = createMcpHandler(() => this.#official(), { legacy: 'reject' });
  #grown = 0;

  private constructor(kind: McpKind) {
    this.#kind = kind;
    this.#http = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(kind: McpKind, port = 0): Promise<McpTestServer> {
    const server = new McpTestServer(kind);
    server.#http.listen(port, '127.0.0.1');
    await once(server.#http, 'listening');
    server.#port = (server.#http.address() as AddressInfo).port;
    return server;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  async stop(): Promise<void> {
    await this.#modern.close();
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }

  /** Has a tool more or less from now on, and says so. */
  async grow(by: number): Promise<void> {
    this.#grown += by;
    this.#modern.notify.toolsChanged();
    await Promise.all([...this.#servers].map(async (server) => await server.sendToolListChanged()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isStrict = this.#kind === 'strict';
    const known = 'content-type, authorization, mcp-session-id, mcp-protocol-version, last-event-id';
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
    response.setHeader('access-control-allow-headers', isStrict ? known : `${known}, mcp-method, mcp-name`);
    response.setHeader('access-control-expose-headers', 'mcp-session-id');
    if (this.#kind === 'absent') return void response.destroy();
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    // What a browser refuses, since the server did not allow it, never comes; here it is refused in the same way.
    if (isStrict && 'mcp-method' in request.headers) return void response.destroy();
    this.authorizations.push(request.headers.authorization);
    switch (this.#kind) {
      case 'mute':
        return;
      case 'page':
        return void response.setHeader('content-type', 'text/html').end('<h1>Welcome</h1>');
      case 'closed':
        return void response.writeHead(401).end('Who are you?');
      case 'flood':
        return await flood(response);
      case 'lying':
        return await lie(request, response);
      default:
        return await this.#speak(request, response);
    }
  }

  async #speak(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const isOver = new AbortController();
    response.once('close', () => isOver.abort());
    const { method = 'GET' } = incoming;
    const body = await buffer(incoming);
    const request = new Request(this.url, {
      method,
      headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
      signal: isOver.signal,
      ...(method === 'POST' ? { body: new Uint8Array(body) } : {}),
    });
    const isHuge = body.includes('"huge"');
    const answer =
      this.#kind === 'modern' ? await this.#modern.fetch(request) : await this.#inSession(request);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    const reader = answer.body?.getReader();
    const close = (): void => void reader?.cancel().catch(() => undefined);
    isOver.signal.addEventListener('abort', close);
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      for (let at = 0; at < read.value.length && !isOver.signal.aborted; at += 65_536) {
        const piece = read.value.subarray(at, at + 65_536);
        if (!response.write(piece)) await drained(response);
        if (isHuge) this.hugeBytes += piece.length;
      }
    }
    response.end();
  }

  async #inSession(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    const known = id === null ? undefined : this.#sessions.get(id);
    if (known !== undefined) return await known.handleRequest(request);
    if (id !== null) return Response.json({ error: 'no such session' }, { status: 404 });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (session) => {
        this.sessions.begun += 1;
        this.#sessions.set(session, transport);
      },
      onsessionclosed: (session) => {
        this.sessions.ended += 1;
        this.#sessions.delete(session);
      },
    });
    const server = this.#official();
    await server.connect(transport);
    this.#servers.add(server);
    return await transport.handleRequest(request);
  }

  #official(): Server {
    const server = new Server(
      { name: 'test', version: '1' },
      { capabilities: { tools: { listChanged: true } } },
    );
    server.setRequestHandler('tools/list', (request) => this.#list(request.params?.cursor));
    server.setRequestHandler('tools/call', async ({ params: { name, arguments: args = {} } }, { mcpReq }) => {
      return await this.#call(name, args, mcpReq.signal);
    });
    return server;
  }

  #list(cursor: string | undefined): { readonly tools: ListedTool[]; readonly nextCursor?: string } {
    if (this.#kind === 'paged') {
      const page = Number(cursor ?? 0);
      const tools = Array.from({ length: 30 }, (_, at) => tool(`tool ${page * 30 + at}`));
      // It never comes to an end.
      return { tools, nextCursor: String(page + 1) };
    }
    const grown = Array.from({ length: this.#grown }, (_, at) => tool(`grown${at + 1}`));
    return { tools: [...TOOLS, ...grown] };
  }

  async #call(name: string, args: Record<string, unknown>, signal: AbortSignal): Promise<CallToolResult> {
    this.calls.push(name);
    const said = (words: string): CallToolResult => ({ content: [{ type: 'text', text: words }] });
    switch (name) {
      case 'echo':
        return { ...said('ignore me'), structuredContent: { echoed: args['text'] } };
      case 'picture':
        return {
          content: [
            { type: 'text', text: 'Here it is.' },
            { type: 'image', data: PNG, mimeType: 'image/png' },
            { type: 'image', data: btoa('no image'), mimeType: 'image/png' },
            { type: 'audio', data: btoa('la la'), mimeType: 'audio/wav' },
            { type: 'resource', resource: { uri: 'file:///notes', text: 'Notes.' } },
            { type: 'resource_link', uri: 'file:///more', name: 'more' },
          ],
        };
      case 'fails':
        return { ...said('The disk is full.'), isError: true };
      case 'refuses':
        throw new ProtocolError(-32_602, 'I never said that an object will do');
      case 'slow':
        this.slow.begun += 1;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        this.slow.stopped += 1;
        return said('stopped');
      case 'huge':
        return said('x'.repeat(HUGE_BYTES));
      case 'grow':
        await this.grow(1);
        return said('grown');
      default:
        return said(name);
    }
  }
}

/** Sends one answer that never ends. */
async function flood(response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'application/json');
  const piece = ' '.repeat(65_536);
  while (!response.destroyed) if (!response.write(piece)) await drained(response);
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

async function lie(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const { id, method, params } = JSON.parse(await text(request)) as {
    readonly id?: number;
    readonly method: string;
    readonly params?: { readonly protocolVersion?: string; readonly name?: string };
  };
  if (id === undefined) return void response.writeHead(202).end();
  const results: Readonly<Record<string, unknown>> = {
    initialize: {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'liar', version: '1' },
    },
    'tools/list': { tools: LIES },
    'tools/call': ANSWERS_OF_LIARS[params?.name ?? ''] ?? 'no result at all',
  };
  const result = results[method];
  const error = { code: -32_601, message: 'What?' };
  response
    .setHeader('content-type', 'application/json')
    .end(JSON.stringify({ jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) }));
}
