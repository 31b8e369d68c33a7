import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';

import { BUILT } from './folders.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

const EVAL = "try { eval('1') } catch {}";

/** Scripts that break the policy, to see that it is in force and that breaches are reported. */
const CONTROLS: Readonly<Record<string, string>> = {
  '/control.js': `${EVAL}; new Worker('/control.worker.js')`,
  '/control.worker.js': EVAL,
};

/** The demo as it is built, served with the policy `script-src 'self'` on pages and workers alike. */
export class BuiltDemo {
  /** The scripts that broke the policy, as browsers reported them. */
  readonly reported: string[] = [];
  readonly #replaced = new Map<string, string>();
  readonly #server = createServer((request, response) => this.#serve(request, response));

  private constructor() {}

  static async start(): Promise<BuiltDemo> {
    const demo = new BuiltDemo();
    demo.#server.listen(0, '127.0.0.1');
    await once(demo.#server, 'listening');
    return demo;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the built demo is not served');
    return `http://127.0.0.1:${address.port}`;
  }

  /** A file as it is served. */
  text(pathname: string): string {
    return this.#replaced.get(pathname) ?? readFileSync(join(BUILT, pathname), 'utf8');
  }

  /** Serves another text in place of a file, as after an update. */
  replace(pathname: string, text: string): void {
    this.#replaced.set(pathname, text);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', this.url);
    if (pathname === '/csp-report') {
      void this.#note(request, response);
      return;
    }
    const body = CONTROLS[pathname] ?? this.#file(pathname === '/' ? '/index.html' : pathname);
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': TYPES[pathname === '/' ? '.html' : extname(pathname)] ?? 'application/octet-stream',
      'content-security-policy': "script-src 'self'; report-uri /csp-report",
    });
    response.end(body);
  }

  #file(pathname: string): Buffer | string | undefined {
    const replaced = this.#replaced.get(pathname);
    if (replaced !== undefined) return replaced;
    try {
      return readFileSync(join(BUILT, pathname));
    } catch {
      return undefined;
    }
  }

  async #note(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    response.writeHead(204).end();
    const { 'csp-report': report } = JSON.parse(text) as { 'csp-report': Record<string, unknown> };
    this.reported.push(String(report['source-file'] ?? report['document-uri']));
  }
}
