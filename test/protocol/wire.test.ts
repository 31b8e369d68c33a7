import { expect, test } from 'vitest';

import { isLashError, LashError } from '../../src/core/error.ts';
import { outcomeOf, unwrap } from '../../src/protocol/wire.ts';

const overTheWire = <T>(value: T): T => structuredClone(value);

test('[WB3] code, message, data, retryable and the causes of an error survive the boundary', async () => {
  const cause = new LashError(
    'NodeNotFound',
    'no such node',
    { sessionId: 's', nodeId: 'n' },
    { cause: new TypeError('deep') },
  );
  const error = new LashError(
    'ProviderRateLimited',
    'slow down',
    { status: 429, retryAfterMs: 5 },
    { cause },
  );
  const outcome = overTheWire(await outcomeOf(Promise.reject(error)));
  let caught: unknown;
  try {
    unwrap(outcome);
  } catch (thrown) {
    caught = thrown;
  }
  if (!isLashError(caught, 'ProviderRateLimited')) throw new Error('another error');
  expect(caught.message).toBe('slow down');
  expect(caught.data).toEqual({ status: 429, retryAfterMs: 5 });
  expect(caught.retryable).toBe(true);
  expect(caught.cause).toMatchObject({ code: 'NodeNotFound', data: { nodeId: 'n' } });
  expect((caught.cause as Error).cause).toMatchObject({ name: 'TypeError', message: 'deep' });
});

test('[WB3] what is not an error of the package arrives as Internal, with itself as the cause', async () => {
  const outcome = overTheWire(await outcomeOf(Promise.reject(new RangeError('odd'))));
  expect(() => unwrap(outcome)).toThrow(expect.objectContaining({ code: 'Internal', message: 'odd' }));
});

test('a value arrives as it is', async () => {
  expect(unwrap(overTheWire(await outcomeOf(Promise.resolve({ a: [1] }))))).toEqual({ a: [1] });
});
