import type { RuntimeClient, SessionClient } from 'lash-web';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { connect, failure, newDatabase, policy, within } from './page.ts';

const worker = (): Worker => new Worker(new URL('./tasks.worker.ts', import.meta.url), { type: 'module' });

/** A page of its own, with a worker of its own. */
async function page(
  database: string,
  more: { readonly host?: 'none' } = {},
): Promise<{ readonly client: RuntimeClient; readonly worker: Worker }> {
  const own = worker();
  return { client: await connect({ config: { database, ...more } }, own), worker: own };
}

/** Has the model start a task, whose id is its name. */
async function start(session: SessionClient, name: string, upTo?: number): Promise<void> {
  const { status } = await within(session.turn(`call start ${JSON.stringify({ name, upTo })}`).result);
  expect(status).toBe('completed');
}

/** Waits until the page sees of the task what is expected. */
const shows = async (session: SessionClient, id: string, expected: object): Promise<void> =>
  await eventually(() =>
    expect(session.getSnapshot().tasks.find((task) => task.id === id)).toMatchObject(expected),
  );

test('[BH3] a page sees a task begin, say how far it is, and end, and again after a reload', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  const seen: (object | undefined)[] = [];
  session.subscribe(() => void seen.push(session.getSnapshot().tasks[0]));
  await start(session, 'kept', 60);
  await shows(session, 'kept', { state: 'completed', result: 60, progress: '60 in run 1' });
  const onItsWay = { state: 'running', progress: expect.stringMatching(/in run 1$/) as string };
  expect(seen).toContainEqual(expect.objectContaining(onItsWay));
  expect(await session.tasks.list()).toEqual([]);
  expect(await session.tasks.list({ ended: true, kind: 'other' })).toMatchObject([{ id: 'kept' }]);
  expect(await session.tasks.list({ ended: true, kind: 'monitor' })).toEqual([]);
  before.worker.terminate();
  const after = await (await page(database)).client.openSession('s');
  expect(after.getSnapshot().tasks).toMatchObject([{ id: 'kept', state: 'completed', result: 60 }]);
});

test('[BH3][BH4] every tab sees a task, any of them stops it, and each is told of one end', async () => {
  const database = newDatabase();
  const session = await (await page(database)).client.createSession({ id: 's', policy });
  const other = await (await page(database)).client.openSession('s');
  const ends: string[] = [];
  const observed = other.observe();
  await within(observed.next());
  const watch = async (): Promise<void> => {
    for await (const told of observed) {
      if (told.type !== 'event' || told.event.type !== 'task-changed') continue;
      if (told.event.task.completedAt !== null) ends.push(told.event.task.state);
    }
  };
  void watch();
  await start(session, 'kept');
  await shows(other, 'kept', { state: 'running', progress: expect.any(String) as string });
  expect(await within(other.tasks.cancel('kept', 'seen enough'))).toMatchObject({
    state: 'cancel_requested',
  });
  await shows(session, 'kept', { state: 'cancelled', cancelReason: 'seen enough' });
  await shows(other, 'kept', { state: 'cancelled' });
  await eventually(() => expect(ends).toEqual(['cancelled']));
  expect((await failure(other.tasks.cancel('kept'), 'TaskEnded')).data).toMatchObject({ taskId: 'kept' });
  await failure(other.tasks.cancel('nobody'), 'TaskNotFound');
});

test.each([
  ['kept', { state: 'failed', failure: expect.objectContaining({ code: 'TaskLost' }) as object }],
  ['resumed', { state: 'running', attempt: 2, progress: expect.stringMatching(/in run 2$/) as string }],
])(
  '[BH6][flaw 39] a worker is killed while the task %s runs, and the next one finds it',
  async (name, expected) => {
    const database = newDatabase();
    const before = await page(database);
    const session = await before.client.createSession({ id: 's', policy });
    await start(session, name);
    await shows(session, name, { state: 'running', progress: expect.any(String) as string });
    before.worker.terminate();
    const after = await (await page(database)).client.openSession('s');
    await shows(after, name, expected);
  },
);

test('[BH6] a tab that has the session open finds the task of another one that was killed', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  const other = await (await page(database)).client.openSession('s');
  await start(session, 'resumed');
  await shows(other, 'resumed', { state: 'running', attempt: 1 });
  before.worker.terminate();
  await shows(other, 'resumed', {
    state: 'running',
    attempt: 2,
    progress: expect.stringMatching(/in run 2$/) as string,
  });
  await within(other.tasks.cancel('resumed'));
  await shows(other, 'resumed', { state: 'cancelled' });
});

test('[BH5][flaw 37][flaw 39] parking keeps, pauses and cancels tasks as their policies say', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ id: 's', policy });
  for (const name of ['kept', 'resumed', 'ended']) await start(session, name);
  const parked = await within(session.park());
  const after = await within(client.resume(parked));
  await shows(after, 'kept', { state: 'running', attempt: 1 });
  await shows(after, 'resumed', { state: 'running', attempt: 1 });
  await shows(after, 'ended', { state: 'cancelled' });
  const shown = after.getSnapshot().tasks.find(({ id }) => id === 'kept')?.progress;
  await eventually(() =>
    expect(after.getSnapshot().tasks.find(({ id }) => id === 'kept')?.progress).not.toBe(shown),
  );
  await within(after.tasks.cancel('kept'));
  await shows(after, 'kept', { state: 'cancelled' });
});

test('[BH8] a session that is deleted takes its tasks with it', async () => {
  const database = newDatabase();
  const { client } = await page(database);
  const session = await client.createSession({ id: 's', policy });
  await start(session, 'kept');
  await within(client.deleteSession('s'));
  await failure(session.tasks.list(), 'SessionDeleted');
});

test('without a host there are no tasks, and asking for them says so', async () => {
  const { client } = await page(newDatabase(), { host: 'none' });
  const session = await client.createSession({ policy });
  await within(session.turn('call start {"name":"kept"}').result);
  expect(session.getSnapshot().tasks).toEqual([]);
  await failure(session.tasks.list(), 'Unsupported');
});
