import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ToolContext } from '../../src/contract/tool.ts';
import { timer } from '../../src/demo/tools/timer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const under = (signal: AbortSignal): ToolContext => ({ signal }) as ToolContext;

test('a timer says when its seconds are over, and not before', async () => {
  let over: unknown;
  const running = Promise.resolve(timer.execute({ seconds: 20 }, under(new AbortController().signal)));
  void running.then((result) => (over = result));
  await vi.advanceTimersByTimeAsync(19_999);
  expect(over).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toEqual({ seconds: 20, over: true });
});

test('a timer ends with its turn, whether that is stopped before or meanwhile', async () => {
  const stop = new AbortController();
  const running = timer.execute({ seconds: 20 }, under(stop.signal));
  stop.abort(new Error('stopped'));
  await expect(running).rejects.toThrow('stopped');
  await expect(timer.execute({ seconds: 20 }, under(stop.signal))).rejects.toThrow('stopped');
  expect(vi.getTimerCount()).toBe(0);
});

test.each([0, -1, 1.5, 601])('a timer of %d seconds is refused', async (seconds) => {
  expect(await timer.check({ seconds })).toMatchObject({ ok: false });
});
