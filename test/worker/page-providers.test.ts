import { describe, expect, it } from 'vitest';

import type { Provider } from '../../src/contract/provider.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { ChannelItem } from '../../src/protocol/channel-item.ts';
import type { EventSender } from '../../src/protocol/event-channel.ts';
import { PageProviders } from '../../src/worker/page-providers.ts';
import { modelEvents } from '../../src/worker/schema/model-event.ts';
import { requestOf } from '../providers/requests.ts';

const text = (value: string): ModelEvent => ({ type: 'text-delta', text: value });
const DONE = { ok: true, value: null } as const;

/** A page that offers a provider, seen from the worker. */
function page(): { provider: Provider; providers: PageProviders; told: ChannelItem[] } {
  const told: ChannelItem[] = [];
  const channel = { push: (item: ChannelItem) => told.push(item), flush: () => undefined };
  const providers = new PageProviders(channel as unknown as EventSender, modelEvents);
  providers.offer('page', { model: 'on-page' }, []);
  return { provider: providers.providers['page'] as Provider, providers, told };
}

/** What `promise` resolves with, or `waits` while it does not. */
async function soon<T>(promise: Promise<T>): Promise<T | 'waits'> {
  return await Promise.race([
    promise,
    new Promise<'waits'>((resolve) => setTimeout(() => resolve('waits'), 5)),
  ]);
}

describe('an answer of a page’s provider', () => {
  it('is asked for more when the turn has taken what there is, and not before', async () => {
    const { provider, providers, told } = page();
    const stream = provider.stream(requestOf('hi'), new AbortController().signal)[Symbol.asyncIterator]();
    const first = stream.next();
    expect(told).toMatchObject([{ kind: 'model-call', call: 1, provider: 'page' }]);
    const taken = providers.take({ call: 1, events: [text('a'), text('b')] });
    expect(await first).toEqual({ done: false, value: text('a') });
    expect(await soon(taken)).toBe('waits');
    expect((await stream.next()).value).toEqual(text('b'));
    expect(await soon(taken)).toBe('waits');
    const third = stream.next();
    expect(await soon(taken)).toBe(true);
    const last = providers.take({ call: 1, events: [text('c')], end: DONE });
    expect((await third).value).toEqual(text('c'));
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(await soon(last)).toBe(false);
    expect(told).toHaveLength(1);
  });

  it('that is stopped ends at once, and the page is told so by the channel and by its next batch', async () => {
    const { provider, providers, told } = page();
    const abort = new AbortController();
    const stream = provider.stream(requestOf('hi'), abort.signal)[Symbol.asyncIterator]();
    const first = stream.next();
    abort.abort(new Error('enough'));
    expect(await soon(first)).toEqual({ done: true, value: undefined });
    expect(told.slice(1)).toEqual([{ kind: 'model-cancelled', call: 1, reason: 'enough' }]);
    expect(await soon(providers.take({ call: 1, events: [text('late')] }))).toBe(false);
  });

  it('that nobody reads on is not waited for', async () => {
    const { provider, providers, told } = page();
    const stream = provider.stream(requestOf('hi'), new AbortController().signal)[Symbol.asyncIterator]();
    const first = stream.next();
    const taken = providers.take({ call: 1, events: [text('a'), text('b')] });
    await first;
    await stream.return?.();
    expect(await soon(taken)).toBe(false);
    expect(told.at(-1)).toMatchObject({ kind: 'model-cancelled', call: 1 });
  });

  it('[PR4] of a call that was stopped before it began is not asked for', async () => {
    const { provider, told } = page();
    const stream = provider.stream(requestOf('hi'), AbortSignal.abort())[Symbol.asyncIterator]();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(told).toEqual([]);
  });
});

it('an offer of any id is an offer of that id', () => {
  const { providers } = page();
  providers.offer('__proto__', { model: 'odd' }, []);
  expect(Object.keys(providers.providers)).toEqual(['page', '__proto__']);
  providers.offer('page', null, []);
  expect(Object.keys(providers.providers)).toEqual(['__proto__']);
});
