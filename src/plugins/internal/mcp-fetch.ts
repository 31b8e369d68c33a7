import { type LashError, reasonText } from '../../core/error.ts';
import { serverFailure, unreachable } from './mcp-failure.ts';
import type { ServerSettings } from './mcp-server.ts';
import { orAborted } from './mcp-wait.ts';

/** Tells a call's requests from others within this thread: it is taken off before anything is sent. */
const CALL_HEADER = 'x-lash-call';

/** A call that is under way. */
interface OpenCall {
  readonly signal: AbortSignal;
  readonly fail: (error: LashError) => void;
  unreached: LashError | null;
}

/** What a connection is told of its requests. */
export interface FetchTrouble {
  /** Nobody answered. */
  unreached(error: LashError): void;
  /** The answer to one that belongs to no call is longer than it may be, and was cut off. */
  tooLong(error: LashError): void;
}

/** What the official client is given with a request. */
export interface CallOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * The `fetch` of one connection. It adds the host's headers, ends the requests of a call that is stopped, and cuts off what is
 * longer than it may be, while it comes: the official client would take it all in.
 */
export class McpFetch {
  readonly #settings: ServerSettings;
  readonly #trouble: FetchTrouble;
  readonly #calls = new Map<string, OpenCall>();
  #count = 0;
  /** Whether the server let us listen to what it tells by itself. */
  #wasHeard = false;

  constructor(settings: ServerSettings, trouble: FetchTrouble) {
    this.#settings = settings;
    this.#trouble = trouble;
  }

  /** Runs one request to its end; rejects as soon as `signal` aborts, or its answer is too long. */
  async call<T>(signal: AbortSignal, work: (options: CallOptions) => Promise<T>): Promise<T> {
    const id = String(++this.#count);
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const open: OpenCall = { signal: either, fail: (error) => over.abort(error), unreached: null };
    this.#calls.set(id, open);
    try {
      return await orAborted(work({ headers: { [CALL_HEADER]: id }, signal: either }), either);
    } catch (error) {
      throw open.unreached ?? error;
    } finally {
      this.#calls.delete(id);
      // A server that leaves the stream open behind its answer would keep one of the browser's few connections.
      over.abort();
    }
  }

  readonly fetch = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { name, headers: own = {} } = this.#settings;
    const headers = new Headers(init.headers);
    const id = headers.get(CALL_HEADER);
    const call = id === null ? undefined : this.#calls.get(id);
    if (id !== null && call === undefined) throw new Error('The call is over');
    headers.delete(CALL_HEADER);
    try {
      const given = typeof own === 'function' ? await own() : own;
      for (const [header, value] of Object.entries(given))
        if (!headers.has(header)) headers.set(header, value);
    } catch (cause) {
      const words = `cannot be asked: its headers could not be had: ${reasonText(cause)}`;
      throw serverFailure(name, 'mcp_headers_failed', words, { class: 'internal', cause });
    }
    const signals = [init.signal, call?.signal].filter((signal) => signal instanceof AbortSignal);
    const signal = AbortSignal.any(signals);
    signal.throwIfAborted();
    try {
      const response = await fetch(url, { ...init, headers, signal });
      if (init.method === 'GET') this.#wasHeard ||= response.ok;
      return this.#bounded(response, call);
    } catch (error) {
      if (signal.aborted) throw error;
      const unreached = unreachable(name, error);
      if (call !== undefined) call.unreached = unreached;
      // A server need not let a page listen to what it tells by itself: only one that did is gone when it does not any more.
      if (init.method !== 'GET' || this.#wasHeard) this.#trouble.unreached(unreached);
      // The official client looks whether it is a `TypeError`: then it asks again as older servers are asked.
      throw error;
    }
  };

  /** The response with a body that is cut off where it is too long. */
  #bounded(response: Response, call: OpenCall | undefined): Response {
    const { body, status, statusText, headers } = response;
    // A redirect that is not followed has no body, and a status that no response can be made with.
    if (body === null) return response;
    const { name, maxResultBytes } = this.#settings;
    const words = `answered with more than ${maxResultBytes} bytes`;
    const tooLong = (): LashError =>
      serverFailure(name, 'mcp_result_too_large', words, {
        class: 'resource-limit',
        more: { maxBytes: maxResultBytes },
      });
    const fail = call?.fail ?? ((error: LashError): void => this.#trouble.tooLong(error));
    // What a server tells by itself is a stream without an end, in which each event may be so long.
    const isStream = headers.get('content-type')?.includes('text/event-stream') === true;
    const count = call === undefined && isStream ? eventBytes() : allBytes();
    const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => {
        if (count(chunk) <= maxResultBytes) return controller.enqueue(chunk);
        const error = tooLong();
        fail(error);
        controller.error(error);
      },
    });
    return new Response(body.pipeThrough(counting), { status, statusText, headers });
  }
}

type Count = (chunk: Uint8Array) => number;

function allBytes(): Count {
  let bytes = 0;
  return (chunk) => (bytes += chunk.length);
}

/** Counts from the last empty line on: there an event ends. */
function eventBytes(): Count {
  let bytes = 0;
  let isLineEmpty = false;
  return (chunk) => {
    for (const byte of chunk) {
      bytes += 1;
      if (byte === LINE_FEED) {
        if (isLineEmpty) bytes = 0;
        isLineEmpty = true;
      } else if (byte !== CARRIAGE_RETURN) isLineEmpty = false;
    }
    return bytes;
  };
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
