import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { RuntimeClient } from '../../src/client/runtime-client.ts';
import type { BackgroundTaskRecord } from '../../src/core/task.ts';
import type { SessionView } from '../../src/core/view.ts';
import { TraceFeed } from '../../src/demo/app/trace-feed.ts';

/** A view of session `s` in which this turn runs, or was the last one. */
function viewOf(
  turnId: string | null,
  running: boolean,
  tasks: readonly Pick<BackgroundTaskRecord, 'id' | 'attempt' | 'state'>[] = [],
): SessionView {
  const turn = running ? { turnId } : null;
  const lastTurn = running || turnId === null ? null : { turnId };
  return { sessionId: 's', turn, lastTurn, tasks } as unknown as SessionView;
}

const record = (turnId: string, type: string): string =>
  `${JSON.stringify({ id: `${turnId}-${type}`, type, timestamp: new Date(0).toISOString(), context: { turn_id: turnId } })}\n`;

describe('the trace beside a conversation', () => {
  let stored = '';
  let reads = 0;
  let feed: TraceFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    stored = '';
    reads = 0;
    const readTrace = ({ cursor = '0' }: { cursor?: string }) => {
      reads++;
      const text = stored.slice(Number(cursor));
      return Promise.resolve({ text, cursor: String(stored.length), done: true });
    };
    feed = new TraceFeed(
      () => ({ readTrace }) as unknown as RuntimeClient,
      () => undefined,
      (error) => expect.fail(String(error)),
    );
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  test('follows a turn that another tab runs, until its last record is there', async () => {
    feed.show(viewOf(null, false));
    await vi.advanceTimersByTimeAsync(5000);
    expect(reads).toBe(1);

    stored = record('t', 'turn_started');
    feed.follow(viewOf('t', true));
    await vi.advanceTimersByTimeAsync(0);
    expect(feed.turns).toMatchObject([{ turnId: 't', ended: false }]);
    stored += record('t', 'prompt_built');
    await vi.advanceTimersByTimeAsync(500);
    expect(feed.turns[0]?.rows).toHaveLength(2);

    feed.follow(viewOf('t', false));
    await vi.advanceTimersByTimeAsync(500);
    expect(feed.awaited).toBe('t');
    stored += record('t', 'turn_completed');
    await vi.advanceTimersByTimeAsync(1000);
    expect(feed.turns).toMatchObject([{ turnId: 't', ended: true }]);
    expect(feed.awaited).toBeNull();
    const before = reads;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reads).toBe(before);
  });

  test('shows a turn that was over before anybody looked', async () => {
    feed.show(viewOf(null, false));
    await vi.advanceTimersByTimeAsync(0);
    stored = record('t', 'turn_started') + record('t', 'turn_completed');
    feed.follow(viewOf('t', false));
    await vi.advanceTimersByTimeAsync(0);
    expect(feed.turns).toMatchObject([{ turnId: 't', ended: true }]);
    expect(feed.awaited).toBeNull();
  });

  test('shows a step of a task that nobody’s turn takes, which is stored a moment later', async () => {
    const task = { id: 'a', attempt: 1 };
    feed.show(viewOf(null, false, [{ ...task, state: 'running' }]));
    await vi.advanceTimersByTimeAsync(60_000);
    const before = reads;
    feed.follow(viewOf(null, false, [{ ...task, state: 'running' }]));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reads).toBe(before);
    feed.follow(viewOf(null, false, [{ ...task, state: 'completed' }]));
    await vi.advanceTimersByTimeAsync(300);
    stored = record('t', 'custom');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(feed.turns.flatMap(({ rows }) => rows)).toHaveLength(1);
    expect(reads).toBe(before + 3);
  });

  test('gives up a last record that does not come', async () => {
    stored = record('t', 'turn_started');
    feed.show(viewOf('t', true));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.awaited).toBe('t');
    feed.follow(viewOf('t', false));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.awaited).toBe('t');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.awaited).toBeNull();
    const before = reads;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reads).toBe(before);
  });

  test('has the patience of one reader, however often it is told that there is news while it reads', async () => {
    stored = record('t', 'turn_started');
    feed.show(viewOf('t', true));
    feed.follow(viewOf('t', false));
    feed.follow(viewOf('u', true));
    feed.follow(viewOf('u', false));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reads).toBe(6);
    expect(feed.awaited).toBeNull();
  });

  test('is that of the session that is shown', async () => {
    stored = record('t', 'turn_started') + record('t', 'turn_completed');
    feed.show(viewOf('t', false));
    await vi.advanceTimersByTimeAsync(0);
    expect(feed.turns).toHaveLength(1);
    feed.show(null);
    await vi.advanceTimersByTimeAsync(0);
    expect([feed.turns, feed.awaited]).toEqual([[], null]);
  });
});
