import { describe, expect, it } from 'vitest';

import { LashError } from '../../src/core/error.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { mortalTab } from './mortal.ts';
import { answers, openShared, sharedStorage } from './stores.ts';
import { call, finish, type Play, plays, text } from './support.ts';

const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer', minimum: 0 } },
  required: ['city', 'people'],
  additionalProperties: false,
} as const;
const fits = '{"city":"Bern","people":134591}';
const away = new LashError('ProviderUnavailable', 'no answer', {});
const value = { city: 'Bern', people: 134_591 };

describe('a turn that asks for data', () => {
  it('[TU1] gets a value that the schema takes, and the provider is told the schema', async () => {
    const provider = answers(fits);
    const runtime = await openShared(sharedStorage(), provider);
    expect(await runtime.turn('Bern?', { answer: { schema } }).result).toMatchObject({
      status: 'completed',
      value,
    });
    expect(provider.requests[0]).toMatchObject({ answerSchema: schema });
    expect(provider.requests[0]?.system).toContain('"people"');
  });

  it('[TU1] takes a fence for no part of the answer', async () => {
    const runtime = await openShared(sharedStorage(), answers('```json\n' + fits + '\n```'));
    expect((await runtime.turn('Bern?', { answer: { schema } }).result).value).toEqual(value);
  });

  it.each(['{"city":"Bern"}', 'It has 134591 people.'])(
    '[TU7][TU9] shows the model what did not fit (%s), once, and counts both calls',
    async (misfit) => {
      const provider = answers(misfit, fits);
      const runtime = await openShared(sharedStorage(), provider);
      expect((await runtime.turn('Bern?', { answer: { schema } }).result).value).toEqual(value);
      expect(JSON.stringify(provider.requests[1]?.messages)).toContain('not the JSON that was asked for');
      expect(runtime.view().window.nodes).toHaveLength(2);
      expect(runtime.usage().total.inputTokens).toBe(20);
    },
  );

  it('[TU7] shows it again where the attempt at repair failed for another reason', async () => {
    const provider = plays([text('no'), finish()], [away], [text(fits), finish()]);
    const runtime = await openShared(sharedStorage(), provider);
    expect((await runtime.turn('Bern?', { answer: { schema } }).result).value).toEqual(value);
    expect(JSON.stringify(provider.requests[2]?.messages)).toContain('not the JSON that was asked for');
  });

  it('[TU3][TU7] shows it, once, also where another tab goes on with the turn', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const first = await openShared(sharedStorage(tab.factory), plays([text('no'), finish()], ['hang']));
    first.turn('Bern?', { inputId: 't', answer: { schema } });
    await eventually(() => expect(first.view().turn?.correlationId).toBe('t:0:2'));
    await tab.kill();
    const provider = answers('still no', fits);
    const second = await openShared(sharedStorage(origin), provider);
    const { result } = second.turn('Bern?', { inputId: 't', answer: { schema } });
    expect(await result).toMatchObject({ status: 'failed', error: { code: 'AnswerInvalid' } });
    expect(JSON.stringify(provider.requests[0]?.messages)).toContain('not the JSON that was asked for');
    expect(provider.requests).toHaveLength(1);
  });

  it('[TU1] gets it however the model says that it is done', async () => {
    const runtime = await openShared(sharedStorage(), plays([text(fits), finish('other')]));
    expect((await runtime.turn('Bern?', { answer: { schema } }).result).value).toEqual(value);
  });

  it('[TU6] fails with AnswerInvalid where the repair does not fit either', async () => {
    const provider = answers('no', 'still no', fits);
    const runtime = await openShared(sharedStorage(), provider);
    const result = await runtime.turn('Bern?', { answer: { schema } }).result;
    expect(result).toMatchObject({ status: 'failed', error: { code: 'AnswerInvalid' } });
    expect(provider.requests).toHaveLength(2);
    expect(runtime.usage().total.inputTokens).toBe(20);
  });

  it('[TU6] refuses a schema that is none', async () => {
    const runtime = await openShared(sharedStorage(), answers(fits));
    const result = await runtime.turn('Bern?', { answer: { schema: { $ref: '#/nowhere' } } }).result;
    expect(result).toMatchObject({ status: 'failed', error: { code: 'InvalidInput' } });
  });

  it('[TU9] may use tools before it answers', async () => {
    const asks: Play = [call('1', 'count', '{}'), finish('tool-calls')];
    const runtime = await openShared(sharedStorage(), plays(asks, [text(fits), finish()]), {
      tools: [
        {
          name: 'count',
          description: '',
          inputSchema: { type: 'object' },
          check: (args) => ({ ok: true, value: args }),
          execute: () => 134_591,
        },
      ],
    });
    expect((await runtime.turn('Bern?', { answer: { schema } }).result).value).toEqual(value);
  });
});
