import { describe, expect, it } from 'vitest';

import type { Observed } from '../../src/core/event-log.ts';
import { reduceView, type SessionView } from '../../src/core/view.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { openShared, sharedStorage } from './stores.ts';
import { finish, plays, text } from './support.ts';

const open = async (storage = sharedStorage()): Promise<LashRuntime> =>
  await openShared(storage, plays(...Array.from({ length: 8 }, () => [text('a'), text('b'), finish()])));

/** Takes from an observation until `enough` says so, or it ends. */
async function take(
  observation: AsyncGenerator<Observed, void>,
  enough: (observed: Observed) => boolean = () => false,
): Promise<Observed[]> {
  const all: Observed[] = [];
  for (;;) {
    const next = await observation.next();
    if (next.done === true) return all;
    all.push(next.value);
    if (enough(next.value)) return all;
  }
}

const isOver = (observed: Observed): boolean =>
  observed.type === 'event' && observed.event.type === 'turn-finished';

/** The view that somebody has who was told all this. */
function folded(all: readonly Observed[]): SessionView {
  let view: SessionView | undefined;
  for (const observed of all) {
    if (observed.type === 'view') ({ view } = observed);
    else if (view !== undefined) view = reduceView(view, observed.event);
  }
  if (view === undefined) throw new Error('no view came');
  return view;
}

describe('an observation', () => {
  it('is a view and all that follows, and ends with the session', async () => {
    const runtime = await open();
    const observation = runtime.observe();
    const first = await observation.next();
    expect(first.value).toMatchObject({ type: 'view', gap: null });
    const rest = take(observation);
    await runtime.turn('hello').result;
    const view = runtime.view();
    await runtime.close();
    const all = [first.value as Observed, ...(await rest)];
    expect(folded(all)).toEqual({ ...view, writer: folded(all).writer });
    expect(all.slice(1).map((item) => (item.type === 'event' ? item.number : item.type))).toEqual(
      all.slice(1).map((_item, index) => index + 1),
    );
  });

  it('goes on behind a cursor, without loss and without telling anything twice', async () => {
    const runtime = await open();
    const observation = runtime.observe();
    const { value } = await observation.next();
    await runtime.turn('one').result;
    const before = await take(observation, isOver);
    await observation.return();
    await runtime.turn('two').result;
    const after = await take(runtime.observe(before.at(-1)?.cursor), isOver);
    expect(after.every(({ type }) => type === 'event')).toBe(true);
    const all = [value as Observed, ...before, ...after];
    expect(folded(all).window.nodes).toEqual(runtime.view().window.nodes);
    const again = await take(runtime.observe((value as Observed).cursor), (observed) => isOver(observed));
    expect(again).toEqual(before);
    await runtime.close();
  });

  it('of a session that was opened anew begins with a gap, whatever the number', async () => {
    const storage = sharedStorage();
    const one = await open(storage);
    const observation = one.observe();
    const { value } = await observation.next();
    await one.turn('one').result;
    await one.close();
    const other = await open(storage);
    const [first] = await take(other.observe((value as Observed).cursor), () => true);
    expect(first).toMatchObject({ type: 'view', gap: 'unavailable', view: { sessionId: other.sessionId } });
    await expect(other.observe('nonsense').next()).rejects.toMatchObject({ code: 'InvalidInput' });
    await other.close();
    await expect(other.observe().next()).rejects.toMatchObject({ code: 'SessionClosed' });
  });

  it('told 64 times at once while things happen, misses nothing and tells nothing twice', async () => {
    const runtime = await open();
    const done: Promise<void>[] = [];
    const observers: Observed[][] = [];
    for (let number = 0; number < 64; number++) {
      const all: Observed[] = [];
      observers.push(all);
      done.push(
        (async () => {
          for await (const observed of runtime.observe()) all.push(observed);
        })(),
      );
      if (number % 16 === 8) await runtime.turn(`turn ${number}`).result;
      else await runtime.rename(`title ${number}`);
    }
    const view = runtime.view();
    await runtime.close();
    await Promise.all(done);
    for (const all of observers) {
      expect(all.filter(({ type }) => type === 'view')).toHaveLength(1);
      expect({ ...folded(all), writer: view.writer }).toEqual(view);
      const numbers = all.flatMap((item) => (item.type === 'event' ? [item.number] : []));
      expect(numbers).toEqual(numbers.map((_number, index) => (numbers[0] ?? 0) + index));
    }
  });
});
