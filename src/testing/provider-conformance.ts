import type { Provider } from '../contract/provider.ts';
import { isLashError } from '../core/error.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { equal, ok } from './assert.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** A provider and a request whose outcome is known. */
export interface ProviderCall {
  readonly provider: Provider;
  readonly request: ModelRequest;
}

/** What a case of the provider's suite runs on. Every call may be made more than once. */
export interface ProviderConformanceContext {
  /** A call that is answered with prose. */
  readonly answering: ProviderCall;
  /** A call that is answered with at least two tool calls, of tools that the request offers. Absent: it calls none. */
  readonly calling?: ProviderCall;
  /** A call that fails. */
  readonly failing: ProviderCall;
  /** A call that yields at least one event at once, and would then go on for long. */
  readonly lasting: ProviderCall;
}

/** Longer than any provider needs to notice that it was aborted; what passes it hangs. */
const HANG_MS = 20_000;

const CODES = /^Provider|^(?:ContextOverflow|UnsupportedMedia|CredentialsRequired)$/;

/** What any provider must keep: rules PR1–PR4 of its contract. */
export const providerConformance: readonly ConformanceCase<ProviderConformanceContext>[] = [
  {
    name: '[PR1] an answer comes in pieces that are not empty',
    run: async ({ answering }) => {
      const events = await eventsOf(answering);
      const texts = events.flatMap((event) => (event.type === 'text-delta' ? event.text : []));
      ok(texts.length > 0, 'there is no text');
      ok(
        texts.every((text) => text !== ''),
        'a delta is empty',
      );
    },
  },
  {
    name: '[PR1] tool calls come whole, each with an id of its own and arguments in JSON',
    run: async ({ answering, calling }) => {
      const events = await eventsOf(calling ?? answering);
      const calls = events.flatMap((event) => (event.type === 'tool-call' ? event : []));
      if (calling === undefined) return ok(calls.length === 0, 'there are tool calls');
      ok(calls.length > 1, 'there are fewer than two tool calls');
      equal(new Set(calls.map(({ callId }) => callId)).size, calls.length, 'ids are used twice');
      const offered = new Set(calling.request.tools.map(({ name }) => name));
      for (const { tool, args } of calls) {
        ok(offered.has(tool), `${tool} was not offered`);
        ok(typeof JSON.parse(args) === 'object', `the arguments of ${tool} are no object: ${args}`);
      }
    },
  },
  {
    name: '[PR2] a stream that went well ends with its only finish, which counts tokens',
    run: async ({ answering, calling }) => {
      for (const call of calling === undefined ? [answering] : [answering, calling]) {
        const events = await eventsOf(call);
        const finishes = events.flatMap((event, index) =>
          event.type === 'finish' ? [{ event, index }] : [],
        );
        equal(
          finishes.map(({ index }) => index),
          [events.length - 1],
          'finish is not at the end, or not there once',
        );
        const counts = Object.values(finishes[0]?.event.usage ?? {}) as readonly number[];
        equal(counts.length, 4, 'usage has four counts');
        ok(
          counts.every((count) => Number.isInteger(count) && count >= 0),
          `usage is not counted: ${counts.join(', ')}`,
        );
      }
    },
  },
  {
    name: '[PR2] two calls at the same time do not disturb each other',
    run: async ({ answering, calling }) => {
      const [first, second, third] = await Promise.all(
        [answering, calling ?? answering, answering].map((call) => eventsOf(call)),
      );
      equal(textOf(first ?? []), textOf(third ?? []), 'the answers differ');
      const called = second?.some(({ type }) => type === 'tool-call') === true;
      equal(called, calling !== undefined, 'whether there is a tool call');
    },
  },
  {
    name: '[PR3] a failure is an error of this package with a code for providers',
    run: async ({ failing }) => {
      const error = await eventsOf(failing).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      ok(isLashError(error), `it failed with ${String(error)}`);
      ok(CODES.test(error.code), `it failed with ${error.code}`);
      ok(error.message !== '', 'the error has no message');
    },
  },
  {
    name: '[PR4] a call that is aborted before it begins ends without a finish',
    run: async ({ lasting }) => {
      const events = await untilAborted(lasting, 0);
      ok(!events.some(({ type }) => type === 'finish'), 'it finished');
    },
  },
  {
    name: '[PR4] a call that is aborted in the middle ends soon, without a finish',
    run: async ({ lasting }) => {
      const events = await untilAborted(lasting, 1);
      ok(events.length > 0, 'it had not begun');
      ok(!events.some(({ type }) => type === 'finish'), 'it finished');
    },
  },
];

async function eventsOf({ provider, request }: ProviderCall): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of provider.stream(request, new AbortController().signal)) events.push(event);
  return events;
}

function textOf(events: readonly ModelEvent[]): string {
  return events.flatMap((event) => (event.type === 'text-delta' ? event.text : [])).join('');
}

/** The events of a call that is aborted once it has yielded `count`; whether it then returns or rejects is its choice. */
async function untilAborted(
  { provider, request }: ProviderCall,
  count: number,
): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  const abort = new AbortController();
  if (count === 0) abort.abort();
  const read = async (): Promise<void> => {
    for await (const event of provider.stream(request, abort.signal)) {
      events.push(event);
      if (events.length >= count) abort.abort();
    }
  };
  const ended = read().then(
    () => true,
    () => true,
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hung = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), HANG_MS);
  });
  const inTime = await Promise.race([ended, hung]);
  clearTimeout(timer);
  ok(inTime, `it went on for ${HANG_MS} ms after it was aborted`);
  return events;
}
