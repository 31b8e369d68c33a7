import type { Observed, SessionClient } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy, runtimeWorker, within } from './page.ts';

/** Takes what an observation tells until `enough` says so, or it ends. */
async function take(
  observation: AsyncGenerator<Observed, void>,
  enough: (observed: Observed) => boolean = () => false,
): Promise<Observed[]> {
  const all: Observed[] = [];
  for (;;) {
    const next = await within(observation.next());
    if (next.done === true) return all;
    all.push(next.value);
    if (enough(next.value)) return all;
  }
}

const isOver = (observed: Observed): boolean =>
  observed.type === 'event' && observed.event.type === 'turn-finished';

const last = (all: readonly Observed[]): Observed => {
  const observed = all.at(-1);
  if (observed === undefined) throw new Error('nothing was told');
  return observed;
};

async function lastsUntilClosed(
  session: SessionClient,
  observation: AsyncGenerator<Observed, void>,
): Promise<void> {
  const rest = take(observation);
  await session.close();
  await rest;
}

test('whoever observes a session on the page is told all that happens, once, and goes on behind a cursor', async () => {
  const client = await connect();
  const session = await client.createSession({ policy });
  const other = await client.openSession(session.sessionId);
  const observation = session.observe();
  const [first] = await take(observation, () => true);
  expect(first).toMatchObject({ type: 'view', gap: null, view: { sessionId: session.sessionId } });
  await session.turn('say one').result;
  const before = await take(observation, isOver);
  await other.turn('say two').result;
  const after = await take(other.observe(last(before).cursor), isOver);
  expect(after.every(({ type }) => type === 'event')).toBe(true);
  expect(await take(observation, isOver)).toEqual(after);
  expect(await take(other.observe(first?.cursor), isOver)).toEqual(before);
  await failure(session.observe('nonsense').next(), 'InvalidInput');
  await lastsUntilClosed(session, observation);
  expect((await within(other.observe().next())).done).toBe(false);
});

test('[WB2] after a reconnect an observer is told of a gap, and what happens from then on', async () => {
  const workers: Worker[] = [];
  const source = (): Worker => {
    const worker = runtimeWorker();
    workers.push(worker);
    return worker;
  };
  const client = await connect({ config: { database: newDatabase() } }, source);
  const session = await client.createSession({ policy });
  const observation = session.observe();
  const [first] = await take(observation, () => true);
  workers[0]?.terminate();
  await failure(session.rename('lost'), 'WorkerLost');
  await within(client.reconnect());
  const [gap] = await take(observation, () => true);
  expect(gap).toMatchObject({ type: 'view', gap: 'unavailable' });
  const [again] = await take(session.observe(first?.cursor), () => true);
  expect(again).toMatchObject({ type: 'view', gap: 'unavailable' });
  await session.turn('say one').result;
  expect(last(await take(observation, isOver))).toMatchObject({ type: 'event' });
  await client.deleteSession(session.sessionId);
  await take(observation);
});
