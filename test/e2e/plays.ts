import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a scripted server does with one request for an answer. */
export type Play = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

/** An answer that waits in the middle until the test lets it go on. */
export interface HeldAnswer {
  readonly play: Play;
  /** Sends the rest. */
  release(): void;
  /** Breaks the connection off instead. */
  breakOff(): void;
  /** Resolves when the browser hangs up. */
  readonly hungUp: Promise<void>;
}

const CORS = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'retry-after' };

/** A whole answer, streamed in pieces of a few characters, with usage in the last chunk. */
export function answer(text: string, pieceLength = 8): Play {
  return (response) => {
    begin(response);
    for (const piece of pieces(text, pieceLength)) write(response, piece);
    finish(response);
  };
}

/** Sends `start`, waits for the test, sends `rest` and ends as a server should. */
export function held(start: string, rest = ''): HeldAnswer {
  const released = gate();
  const hungUp = gate();
  const broken = gate();
  const play: Play = async (response) => {
    response.once('close', () => hungUp.open());
    broken.opened.then(
      () => response.destroy(),
      () => undefined,
    );
    begin(response);
    write(response, start);
    await Promise.race([released.opened, hungUp.opened]);
    if (response.destroyed) return;
    write(response, rest);
    finish(response);
  };
  return { play, release: () => released.open(), breakOff: () => broken.open(), hungUp: hungUp.opened };
}

/** The stream ends properly, but before the model said that it was done. */
export function endsEarly(text: string): Play {
  return (response) => {
    begin(response);
    write(response, text);
    response.end();
  };
}

/** The connection breaks in the middle of the answer. */
export function breaksOff(text: string): Play {
  return (response) => {
    begin(response);
    write(response, text, () => response.destroy());
  };
}

/** The connection breaks before anything was answered. */
export const hangsUp: Play = (response) => {
  response.destroy();
};

/** An event stream whose events are no data. */
export const rubbish: Play = (response) => {
  begin(response);
  response.end('data: {"choices": [{"delta": nonsense\n\ndata: <html>\n\n');
};

/** A page for people instead of a stream, as a captive portal sends. */
export const webPage: Play = (response) => {
  response.writeHead(200, { ...CORS, 'content-type': 'text/html' });
  response.end('<!doctype html><title>Log in</title><h1>Please log in to the network</h1>');
};

/** A stream that is well-formed and holds neither text nor a tool call. */
export const nothing: Play = (response) => {
  begin(response);
  finish(response);
};

/** A refusal. `echo`: its body repeats the request's key, as careless servers do. */
export function refusal(
  status: number,
  options: { readonly retryAfter?: number; readonly message?: string; readonly echo?: boolean } = {},
): Play {
  const { retryAfter, message = 'no', echo = false } = options;
  return (response, { headers }) => {
    response.writeHead(status, {
      ...CORS,
      'content-type': 'application/json',
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    });
    const text = echo ? `${message}: the header was "${headers.authorization ?? ''}"` : message;
    response.end(JSON.stringify({ error: { message: text, type: 'test', code: status } }));
  };
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { ...CORS, 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
}

function write(response: ServerResponse, content: string, sent?: () => void): void {
  event(
    response,
    { choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] },
    sent,
  );
}

function finish(response: ServerResponse): void {
  event(response, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  event(response, { choices: [], usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } });
  response.end('data: [DONE]\n\n');
}

function event(response: ServerResponse, fields: object, sent?: () => void): void {
  const chunk = { id: 'chatcmpl-scripted', object: 'chat.completion.chunk', created: 0, model: 'scripted' };
  response.write(`data: ${JSON.stringify({ ...chunk, ...fields })}\n\n`, sent);
}

/** A promise that others open. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

function pieces(text: string, length: number): readonly string[] {
  const count = Math.ceil(text.length / length);
  return Array.from({ length: count }, (_, index) => text.slice(index * length, (index + 1) * length));
}
