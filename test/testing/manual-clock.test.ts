import { ManualClock } from 'lash-web/testing';
import { describe, expect, test } from 'vitest';

const never = new AbortController().signal;

describe('a manual clock', () => {
  test('stands still until it is moved', async () => {
    const clock = new ManualClock(1000);
    expect(clock.now()).toBe(1000);
    await clock.advance(250);
    expect(clock.now()).toBe(1250);
  });

  test('wakes sleepers in the order in which they are due, each at its own time', async () => {
    const clock = new ManualClock(0);
    const woken: [string, number][] = [];
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms, never);
      woken.push([name, clock.now()]);
    };
    const sleepers = [sleeper('late', 30), sleeper('early', 10), sleeper('later', 50)];
    expect(clock.sleeping).toEqual([10, 30, 50]);
    await clock.advance(40);
    expect(woken).toEqual([
      ['early', 10],
      ['late', 30],
    ]);
    expect(clock.sleeping).toEqual([10]);
    await clock.advance(10);
    await Promise.all(sleepers);
    expect(woken.at(-1)).toEqual(['later', 50]);
  });

  test('lets a sleeper sleep again within one move', async () => {
    const clock = new ManualClock(0);
    const times: number[] = [];
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await clock.sleep(10, never);
        times.push(clock.now());
      }
    };
    const done = loop();
    await clock.advance(100);
    await done;
    expect(times).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(100);
  });

  test('ends a sleep with the reason of the abort', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const asleep = clock.sleep(10, abort.signal);
    abort.abort(new Error('enough'));
    await expect(asleep).rejects.toThrow('enough');
    expect(clock.sleeping).toEqual([]);
    await expect(clock.sleep(10, abort.signal)).rejects.toThrow('enough');
  });

  test('gives ids that differ', () => {
    const clock = new ManualClock();
    expect([clock.newId(), clock.newId()]).toEqual(['id-1', 'id-2']);
  });
});
