import { describe, expect, it } from 'vitest';

import {
  describeError,
  fromWireError,
  isLashError,
  LashError,
  reasonText,
  toLashError,
  toWireError,
} from '../../src/core/error.ts';

const across = (error: unknown): LashError =>
  fromWireError(
    structuredClone(JSON.parse(JSON.stringify(toWireError(error))) as ReturnType<typeof toWireError>),
  );

function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let at = error; at instanceof Error && at.cause !== undefined; at = at.cause) found.push(at.cause);
  return found;
}

describe('an error', () => {
  it('[WB3] keeps code, message, data, retryable and stack across the boundary', () => {
    const error = new LashError(
      'ProviderRateLimited',
      'slow down',
      { status: 429, retryAfterMs: 5 },
      { retryable: false },
    );
    const arrived = across(error);
    expect(arrived).toMatchObject({
      code: 'ProviderRateLimited',
      message: 'slow down',
      data: { status: 429, retryAfterMs: 5 },
      retryable: false,
      stack: error.stack,
    });
    expect(isLashError(arrived, 'ProviderRateLimited')).toBe(true);
    expect(isLashError(arrived, 'Internal')).toBe(false);
  });

  it('[WB3] keeps its causes, eight deep', () => {
    let error = new LashError('Internal', 'cause 10', {});
    for (let depth = 9; depth >= 0; depth--)
      error = new LashError('Internal', `cause ${depth}`, {}, { cause: error });
    const arrived = causes(across(error));
    expect(arrived.map((cause) => (cause as Error).message)).toEqual(
      Array.from({ length: 8 }, (_, index) => `cause ${index + 1}`),
    );
    expect(arrived.every((cause) => isLashError(cause))).toBe(true);
  });

  it('[WB3] keeps a foreign cause by name and message, and what is no error by its text', () => {
    const foreign = causes(
      across(new LashError('Internal', 'x', {}, { cause: new TypeError('fetch failed') })),
    );
    expect(foreign).toMatchObject([{ name: 'TypeError', message: 'fetch failed' }]);
    expect(causes(across(new LashError('Internal', 'x', {}, { cause: 7 })))).toMatchObject([
      { message: '7' },
    ]);
  });

  it('is itself where it is one, and Internal with its cause where it is not', () => {
    const own = new LashError('Cancelled', 'stopped', { reason: 'x' });
    expect(toLashError(own)).toBe(own);
    const cause = new RangeError('out of order');
    expect(toLashError(cause)).toMatchObject({ code: 'Internal', message: 'out of order', cause });
  });

  it('whatever is thrown can be told', () => {
    const things = [undefined, null, 'text', 7, Symbol('s'), Object.create(null), { toString: null }, []];
    for (const thing of things) {
      expect(typeof reasonText(thing)).toBe('string');
      expect(toWireError(thing).code).toBe('Internal');
    }
    expect(reasonText(new Error('why'))).toBe('why');
    expect(reasonText('why')).toBe('why');
  });

  it('is retryable as its code usually is, and pure code describes it without a stack', () => {
    const data = { status: 503 };
    expect(new LashError('ProviderUnavailable', 'x', data).retryable).toBe(true);
    expect(new LashError('ProviderUnauthorized', 'x', { status: 401 }).retryable).toBe(false);
    const described = describeError('ProviderUnavailable', 'x', data);
    expect(described).toEqual({ lash: 1, code: 'ProviderUnavailable', message: 'x', retryable: true, data });
  });
});
