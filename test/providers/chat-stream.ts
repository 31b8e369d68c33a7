import type { ServerResponse } from 'node:http';

import type { Play } from '../e2e/plays.ts';

/** Tokens as an OpenAI-compatible server counts them. */
export const USAGE = { prompt_tokens: 30, completion_tokens: 12 };

/** A tool call as the wire has it; `pieces` are its arguments. */
export interface WireCall {
  readonly id: string;
  readonly name: string;
  readonly pieces: readonly string[];
}

/** An event of the stream; text is sent as it is. */
export const event = (data: object | string): string =>
  `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** A chunk of an answer. */
export const chunk = (delta: object, finish: string | null = null): string =>
  event({ id: 'c-1', created: 0, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] });

export const DONE: string = event('[DONE]');
export const COUNTED: string = event({ id: 'c-1', choices: [], usage: USAGE });

/** Pieces of prose. */
export const prose = (...pieces: readonly string[]): readonly string[] =>
  pieces.map((content) => chunk({ content }));

/** Tool calls, each with its id and name first and then its arguments piece by piece. */
export const calls = (...list: readonly WireCall[]): readonly string[] =>
  list.flatMap(({ id, name, pieces }, index) => [
    chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
    ...pieces.map((args) => chunk({ tool_calls: [{ index, function: { arguments: args } }] })),
  ]);

/** A whole answer of these events. */
export const whole = (events: readonly string[], finish = 'stop'): readonly string[] => [
  ...events,
  chunk({}, finish),
  COUNTED,
  DONE,
];

const HEADERS = { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*' };

/** Sends these pieces, each in a chunk of its own, and ends as a server should. */
export function sends(pieces: readonly (string | Uint8Array)[], headers: Record<string, string> = {}): Play {
  return async (response) => {
    await begin(response, pieces, headers);
    response.end();
  };
}

/** Sends these pieces, and then the connection breaks. */
export function breaks(pieces: readonly (string | Uint8Array)[]): Play {
  return async (response) => {
    await begin(response, pieces);
    response.destroy();
  };
}

/** Sends these pieces, and then nothing while the connection stays open. */
export function hangs(pieces: readonly (string | Uint8Array)[]): Play {
  return async (response) => begin(response, pieces);
}

/** A stream that is sent one byte at a time. */
export const byteByByte = (text: string): readonly Uint8Array[] =>
  Array.from(new TextEncoder().encode(text), (byte) => Uint8Array.of(byte));

async function begin(
  response: ServerResponse,
  pieces: readonly (string | Uint8Array)[],
  headers: Record<string, string> = {},
): Promise<void> {
  response.writeHead(200, { ...HEADERS, ...headers });
  response.flushHeaders();
  // What is destroyed before it was written would never leave.
  for (const piece of pieces) {
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
  }
}
