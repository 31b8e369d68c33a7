import { connectRuntime, type RuntimeClient, type SessionClient } from 'lash-web';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { tableOf } from './table.ts';

const TOKENS = 20_000;
const LENGTH = TOKENS * 5;
const ROUNDS = 11;
const TARGET_RATIO = 3;
const LONG_TASK_MS = 50;

let client: RuntimeClient;
let bareWorker: Worker;
const longTasks: number[] = [];
const observer = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longTasks.push(duration);
});

beforeAll(async () => {
  bareWorker = new Worker(new URL('./bare-stream.worker.ts', import.meta.url), { type: 'module' });
  client = await connectRuntime(
    () => new Worker(new URL('../worker/runtime.worker.ts', import.meta.url), { type: 'module' }),
  );
});

afterAll(async () => {
  observer.disconnect();
  bareWorker.terminate();
  await client.close();
});

/** The same tokens from the same source: from the request to the last one on the page, in milliseconds. */
async function bare(): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  const start = performance.now();
  let text = '';
  await new Promise<void>((resolve) => {
    port1.addEventListener('message', ({ data }: MessageEvent<{ text: string }[]>) => {
      for (const token of data) text += token.text;
      if (text.length === LENGTH) resolve();
    });
    port1.start();
    bareWorker.postMessage({ port: port2, count: TOKENS }, [port2]);
  });
  port1.close();
  return performance.now() - start;
}

interface Streamed {
  readonly ms: number;
  readonly updates: number;
}

/**
 * A whole turn, from the request to its result: model, engine, worker and client, with a reader of every activity and a
 * view that is looked at whenever it changes.
 */
async function ours(session: SessionClient): Promise<Streamed> {
  const start = performance.now();
  let updates = 0;
  let length = 0;
  let shown = 0;
  const stop = session.subscribe(() => {
    updates++;
    shown += session.getSnapshot().turn?.text.length ?? 0;
  });
  const turn = session.turn(`flood ${TOKENS}`);
  for await (const activity of turn) if (activity.type === 'text-delta') length += activity.text.length;
  const { status } = await turn.result;
  const ms = performance.now() - start;
  stop();
  expect({ status, length }).toEqual({ status: 'completed', length: LENGTH });
  expect(shown).toBeGreaterThan(0);
  return { ms, updates };
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

test(`${TOKENS} tokens through worker and client take at most ${TARGET_RATIO} x a bare batched MessagePort, without a long task`, async () => {
  const policy = { provider: { id: 'fake', model: 'fake' } };
  const open = (): Promise<SessionClient> => client.createSession({ policy });
  for (let warmUp = 0; warmUp < 3; warmUp++) {
    await bare();
    await ours(await open());
  }
  await pause();
  observer.observe({ type: 'longtask' });
  const bareTimes: number[] = [];
  const runs: Streamed[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const session = await open();
    if (round % 2 === 0) bareTimes.push(await bare());
    runs.push(await ours(session));
    if (round % 2 === 1) bareTimes.push(await bare());
    await session.close();
  }
  await pause();
  for (const { duration } of observer.takeRecords()) longTasks.push(duration);

  const baseline = median(bareTimes);
  const streamed = median(runs.map(({ ms }) => ms));
  const updates = median(runs.map((run) => run.updates));
  const ratio = streamed / baseline;
  const longest = Math.max(0, ...longTasks);
  console.log(
    tableOf([
      {
        figure: `${TOKENS} tokens as a turn / bare MessagePort, batches of 32`,
        measured: `${ratio.toFixed(2)} x: ${streamed.toFixed(1)} ms, ${updates} updates of the view`,
        target: `≤ ${TARGET_RATIO} x`,
        peer: `bare: ${baseline.toFixed(1)} ms`,
        holds: ratio <= TARGET_RATIO,
      },
      {
        figure: `tasks on the page over ${LONG_TASK_MS} ms`,
        measured: `${longTasks.length}, longest ${longest.toFixed(0)} ms`,
        target: '0',
        peer: '–',
        holds: longTasks.length === 0,
      },
    ]),
  );
  expect(longest).toBeLessThan(LONG_TASK_MS);
  expect(ratio).toBeLessThanOrEqual(TARGET_RATIO);
});

test('a long task on the page would be seen', async () => {
  longTasks.length = 0;
  await pause();
  const end = performance.now() + 2 * LONG_TASK_MS;
  while (performance.now() < end);
  await pause();
  expect(Math.max(0, ...longTasks)).toBeGreaterThan(LONG_TASK_MS);
});
