import {
  ManualClock,
  type ProviderConformanceContext,
  providerConformance,
  type ScriptedAction,
  scriptedProvider,
  scriptedText,
} from 'lash-web/testing';
import { describe, expect, test } from 'vitest';

import type { Provider } from '../../src/contract/provider.ts';
import { LashError } from '../../src/core/error.ts';
import { eventsOf, requestOf, textOf } from '../providers/requests.ts';
import { always, PROVIDERS, request, scripted } from './provider-contexts.ts';

describe.each(PROVIDERS)('%s', (_, context) => {
  test.each(providerConformance)('$name', ({ run }) => run(context()));
});

describe('the suite', () => {
  const brokenWith = (change: Partial<ProviderConformanceContext>): ProviderConformanceContext => ({
    ...scripted(),
    ...change,
  });
  const finish = scriptedText('').at(-1)!;
  const bad = (...actions: readonly ScriptedAction[]) => ({ provider: always(actions), request });

  test.each<[string, Partial<ProviderConformanceContext>]>([
    ['an empty delta', { answering: bad({ type: 'text-delta', text: '' }, finish) }],
    ['no finish', { answering: bad({ type: 'text-delta', text: 'a' }) }],
    ['two finishes', { answering: bad({ type: 'text-delta', text: 'a' }, finish, finish) }],
    ['events behind the finish', { answering: bad(finish, { type: 'text-delta', text: 'a' }) }],
    [
      'arguments that are no JSON',
      {
        calling: bad(
          { type: 'tool-call', callId: '1', tool: 'calculator', args: '{' },
          { type: 'tool-call', callId: '2', tool: 'calculator', args: '{}' },
          finish,
        ),
      },
    ],
    ['an error of another kind', { failing: bad({ type: 'fail', error: new Error('no') }) }],
    [
      'a stored code',
      { failing: bad({ type: 'fail', error: new LashError('ReadOnly', 'no', { sessionId: 's' }) }) },
    ],
    ['a call that does not fail', { failing: scripted().answering }],
  ])('finds %s', async (_, change) => {
    const outcomes = await Promise.allSettled(providerConformance.map(({ run }) => run(brokenWith(change))));
    expect(outcomes.filter(({ status }) => status === 'rejected')).not.toEqual([]);
  });

  test('finds a tool call of a provider that calls none', async () => {
    const { calling: answering, ...rest } = scripted();
    const context = { ...rest, answering: answering! };
    const outcomes = await Promise.allSettled(providerConformance.map(({ run }) => run(context)));
    expect(outcomes.filter(({ status }) => status === 'rejected')).not.toEqual([]);
  });

  test('finds a provider that finishes although it was aborted', async () => {
    const deaf: Provider = {
      model: 'deaf',
      stream: (asked) => always(scriptedText('a b c')).stream(asked, new AbortController().signal),
    };
    const outcomes = await Promise.allSettled(
      providerConformance.map(({ run }) => run(brokenWith({ lasting: { provider: deaf, request } }))),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(2);
  });
});

describe('the scripted provider', () => {
  test('keeps what it was asked and answers by what it was asked', async () => {
    const provider = scriptedProvider([scriptedText('one'), ({ system }) => scriptedText(system)]);
    const [first, second] = [requestOf('a'), requestOf('b', { system: 'two' })];
    expect(textOf(await eventsOf(provider, first))).toBe('one');
    expect(textOf(await eventsOf(provider, second))).toBe('two');
    expect(provider.requests).toEqual([first, second]);
  });

  test('fails when its script is over', async () => {
    await expect(eventsOf(scriptedProvider([]), request)).rejects.toMatchObject({ code: 'ProviderRejected' });
  });

  test('waits by the clock that it is given', async () => {
    const clock = new ManualClock();
    const provider = scriptedProvider([[{ type: 'delay', ms: 100 }, ...scriptedText('later')]], { clock });
    let done = false;
    const events = eventsOf(provider, request).then((all) => {
      done = true;
      return textOf(all);
    });
    await clock.advance(99);
    expect(done).toBe(false);
    await clock.advance(1);
    expect(await events).toBe('later');
  });
});
