import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SILENCE_MS, watchPulse } from '../../src/client/pulse.ts';

/** A worker that answers pings, or not. */
let answer: () => Promise<void>;
let pings = 0;
let silences = 0;
let stop: () => void;
/** How long the page did not run. */
let skipped = 0;

const never = (): Promise<void> => new Promise(() => undefined);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] });
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + skipped);
  pings = 0;
  silences = 0;
  skipped = 0;
  answer = async () => await Promise.resolve();
  stop = watchPulse(
    () => {
      pings++;
      return answer();
    },
    () => silences++,
  );
});
afterEach(() => {
  stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The page does not run for so long. */
async function pause(ms: number): Promise<void> {
  skipped += ms;
  await vi.advanceTimersByTimeAsync(1000);
}

test('[WB2] a worker that answers is pinged again and again, and a few times a minute', async () => {
  await vi.advanceTimersByTimeAsync(60_000);
  expect(silences).toBe(0);
  expect(pings).toBeGreaterThan(3);
  expect(pings).toBeLessThanOrEqual(20);
});

test('[WB2] a worker that says nothing for 10 s is told of once', async () => {
  answer = never;
  await vi.advanceTimersByTimeAsync(3000 + SILENCE_MS - 1);
  expect([pings, silences]).toEqual([1, 0]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([pings, silences]).toEqual([1, 1]);
});

test('[WB2] a worker that is busy for 9 s, again and again, is not declared dead', async () => {
  answer = () => new Promise((resolve) => setTimeout(resolve, 9000));
  await vi.advanceTimersByTimeAsync(120_000);
  expect(silences).toBe(0);
  expect(pings).toBeGreaterThan(5);
});

test('[WB2] time in which the page itself did not run does not count, and what is silent after it is told of', async () => {
  answer = never;
  await vi.advanceTimersByTimeAsync(3000 + SILENCE_MS - 2000);
  for (let time = 0; time < 5; time++) await pause(3_600_000);
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1000);
  expect([pings, silences]).toEqual([1, 0]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(silences).toBe(1);
});

test('[WB2] the steps of a hidden page, which are slower, count', async () => {
  answer = never;
  for (let step = 0; step < 20; step++) await pause(1000);
  expect(silences).toBe(1);
});

test('[WB2] what was stopped pings no more', async () => {
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(pings).toBe(0);
});
