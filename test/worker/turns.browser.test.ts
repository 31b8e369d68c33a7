import type { PendingTurn, RuntimeClient, SessionClient, SessionPolicy, TurnActivity } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy, runtimeWorker, within } from './page.ts';

interface Page {
  readonly client: RuntimeClient;
  readonly worker: Worker;
}

/** A page of its own, with a worker of its own. */
async function page(database: string): Promise<Page> {
  const worker = runtimeWorker();
  return { client: await connect({ config: { database } }, worker), worker };
}

/** What a reload does: the worker is gone, and another page opens the session. */
async function reload({ worker }: Page, database: string): Promise<Page> {
  worker.terminate();
  return await page(database);
}

/** Resolves once the session's view is as wanted. */
async function shows(
  session: SessionClient,
  is: (view: ReturnType<SessionClient['getSnapshot']>) => boolean,
): Promise<void> {
  await within(
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (!is(session.getSnapshot())) return;
        stop();
        resolve();
      };
      const stop = session.subscribe(look);
      look();
    }),
  );
}

const waitsFor = (kind: string) => (view: ReturnType<SessionClient['getSnapshot']>) =>
  view.turn?.waits.some((wait) => wait.kind === kind) === true;

const requestOf = (pending: readonly PendingTurn[]): string => {
  const [wait] = pending[0]?.waits ?? [];
  if (wait?.kind !== 'approval') throw new Error('nothing is asked');
  return wait.requestId;
};

const ids = (pending: readonly PendingTurn[]): readonly string[] => pending.map(({ turnId }) => turnId);

const toolValues = (session: SessionClient): readonly unknown[] =>
  session
    .getSnapshot()
    .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

test('[TU1] after a reload, the same input with the same id is the same turn, and its result the stored one', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  const result = await session.turn('say one', { inputId: 'first' }).result;
  const after = await reload(before, database);
  const again = await after.client.openSession('s');
  const turn = again.turn('say one', { inputId: 'first' });
  await within(turn.accepted);
  expect(await within(turn.result)).toEqual(result);
  const activities: TurnActivity[] = [];
  for await (const activity of turn) activities.push(activity);
  expect(activities).toEqual([{ type: 'turn-finished', turnId: 'first', result }]);
  expect(again.getSnapshot().window.nodes).toHaveLength(2);
  await failure(again.turn('say two', { inputId: 'first' }).result, 'OperationConflict');
});

test('[TU11] a turn that asked is answered after a reload, and whoever asks for it again gets its result', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  session.turn('call guarded {"what":"the deed"}', { inputId: 'asks' });
  await shows(session, waitsFor('approval'));
  const after = await reload(before, database);
  const again = await after.client.openSession('s');
  const [pending] = await again.pendingTurns();
  expect(pending).toMatchObject({ turnId: 'asks', status: 'waiting', waits: [{ tool: 'guarded' }] });
  const turn = again.turn('call guarded {"what":"the deed"}', { inputId: 'asks' });
  await within(turn.accepted);
  const requestId = requestOf(await again.pendingTurns());
  expect(await again.answer(requestId, { approve: true })).toEqual({ approve: true });
  expect(await again.answer(requestId, { approve: false }).catch(() => 'over')).not.toEqual({
    approve: false,
  });
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  expect(toolValues(again)).toEqual([{ status: 'success', value: 'did the deed' }]);
});

test('[TU11] another tab may answer, and a refusal is told to the model with its reason', async () => {
  const database = newDatabase();
  const [one, other] = [await page(database), await page(database)];
  const session = await one.client.createSession({ id: 's', policy });
  const turn = session.turn('call guarded {}');
  await shows(session, waitsFor('approval'));
  const elsewhere = await other.client.openSession('s');
  await shows(elsewhere, waitsFor('approval'));
  await elsewhere.answer(requestOf(await elsewhere.pendingTurns()), { approve: false, reason: 'too risky' });
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  await shows(session, ({ turn: running }) => running === null);
  expect(toolValues(session)).toMatchObject([
    { status: 'failure', code: 'ToolDenied', message: expect.stringContaining('too risky') as string },
  ]);
  await failure(elsewhere.answer('nothing/tool-0-0', { approve: true }), 'TurnNotFound');
});

test('a call that needs no approval is not asked about, and one that takes too long is a failure', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ policy });
  await session.turn('call guarded {"what":"nothing"}').result;
  await within(session.turn('call late {}').result);
  expect(toolValues(session)).toMatchObject([
    { status: 'success', value: 'did nothing' },
    { status: 'failure', code: 'ToolTimeout' },
  ]);
});

test('[TU10] the queue is listed, reordered and shortened from the page, and runs by itself', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ policy });
  const first = session.turn('drip');
  await first.accepted;
  await failure(session.turn('say no').accepted, 'TurnRunning');
  const queued = ['a', 'b', 'c'].map((inputId) =>
    session.turn(`say ${inputId}`, { inputId, whenRunning: 'queue' }),
  );
  for (const turn of queued) await within(turn.accepted);
  expect(ids(await session.queue.list())).toEqual(['a', 'b', 'c']);
  expect(ids(await session.pendingTurns())).toEqual([first.turnId, 'a', 'b', 'c']);
  await session.queue.move('c', 'a');
  await session.queue.move('a', null);
  await session.queue.cancel('b');
  expect(ids(session.getSnapshot().queue)).toEqual(['c', 'a']);
  expect(await within(queued[1]!.result)).toMatchObject({ status: 'cancelled', reason: 'withdrawn' });
  await failure(session.queue.move('b', null), 'InputNotQueued');
  await failure(session.queue.cancel('nobody'), 'TurnNotFound');
  await first.cancel();
  for (const turn of [queued[2]!, queued[0]!]) {
    expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  }
  const said = session
    .getSnapshot()
    .window.nodes.flatMap(({ body }) =>
      body.kind === 'conversation' && body.message.role === 'user' ? [body.message.parts[0]] : [],
    );
  expect(said).toMatchObject([{ text: 'drip' }, { text: 'say c' }, { text: 'say a' }]);
});

test('[WB6] a turn that is cancelled on its way into the queue is taken out of it', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ policy });
  const first = session.turn('drip');
  await first.accepted;
  const queued = session.turn('say never', { whenRunning: 'queue' });
  expect(await within(queued.cancel('changed my mind'))).toMatchObject({ status: 'cancelled' });
  expect(await session.queue.list()).toEqual([]);
  await first.cancel();
});

test('[WB6] a turn that another tab runs is cancelled by its id', async () => {
  const database = newDatabase();
  const [one, other] = [await page(database), await page(database)];
  const session = await one.client.createSession({ id: 's', policy });
  const turn = session.turn('drip');
  await turn.accepted;
  const elsewhere = await other.client.openSession('s');
  await elsewhere.cancelTurn(turn.turnId, 'from elsewhere');
  expect(await within(turn.result)).toMatchObject({ status: 'cancelled' });
  await elsewhere.cancelTurn(turn.turnId);
  await failure(elsewhere.cancelTurn('nobody'), 'TurnNotFound');
});

test('a handle that is dropped does not stop its turn', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ policy });
  const turn = session.turn('say a|b|c');
  for await (const _activity of turn) break;
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
});

test('two handles of one turn both show it', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ policy });
  const collect = async (): Promise<string> => {
    let text = '';
    for await (const activity of session.turn('say a|b', { inputId: 'one' })) {
      if (activity.type === 'text-delta') text += activity.text;
    }
    return text;
  };
  expect(await within(Promise.all([collect(), collect()]))).toEqual(['ab', 'ab']);
});

test('[TU11] with `unfinishedTurns: ask`, a turn that was interrupted goes on when the page says so, and not before', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  const turn = session.turn('drip', { inputId: 'drips' });
  await turn.accepted;
  await shows(session, ({ turn: running }) => running?.text !== '');
  const after = await reload(before, database);
  const again = await after.client.openSession('s', { unfinishedTurns: 'ask' });
  expect(await again.pendingTurns()).toMatchObject([{ turnId: 'drips', status: 'interrupted' }]);
  expect(again.getSnapshot().turn).toMatchObject({ turnId: 'drips', interrupted: true });
  await after.client.setCredentials('some', 'a secret of no use');
  await after.client.offerTools([]);
  dispatchEvent(new Event('pageshow'));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await again.pendingTurns()).toMatchObject([{ status: 'interrupted' }]);
  await again.resumeTurns();
  await shows(again, ({ turn: running }) => running?.interrupted === false && running.text !== '');
  await again.cancelTurn('drips');
  await shows(again, ({ turn: running }) => running === null);
});

test('[TU11][RE6] a parked session is resumed with `unfinishedTurns: ask` as one is opened', async () => {
  const database = newDatabase();
  const before = await page(database);
  const parked = await (await before.client.createSession({ id: 's', policy })).park();
  const session = await before.client.resume(parked);
  const turn = session.turn('drip', { inputId: 'drips' });
  await turn.accepted;
  await shows(session, ({ turn: running }) => running?.text !== '');
  const after = await reload(before, database);
  const again = await after.client.resume(parked, { unfinishedTurns: 'ask' });
  expect(await again.pendingTurns()).toMatchObject([{ turnId: 'drips', status: 'interrupted' }]);
  await again.resumeTurns();
  await shows(again, ({ turn: running }) => running?.interrupted === false && running.text !== '');
  await again.cancelTurn('drips');
  await shows(again, ({ turn: running }) => running === null);
});

test('[TU11] a turn that waits for a page tool goes on when a page offers it, also with `unfinishedTurns: ask`', async () => {
  const database = newDatabase();
  const tool = { name: 'look', description: '', inputSchema: { type: 'object' } };
  const before = await page(database);
  await before.client.offerTools([{ ...tool, approval: true, execute: () => 'never' }]);
  const session = await before.client.createSession({ id: 's', policy });
  session.turn('call look {}', { inputId: 'looks' });
  await shows(session, waitsFor('approval'));
  await before.client.offerTools([]);
  await session.answer(requestOf(await session.pendingTurns()), { approve: true });
  await shows(session, waitsFor('page-tool'));
  const after = await reload(before, database);
  const again = await after.client.openSession('s', { unfinishedTurns: 'ask' });
  expect(await again.pendingTurns()).toMatchObject([{ status: 'waiting', waits: [{ tool: 'look' }] }]);
  await after.client.offerTools([{ ...tool, execute: () => 'seen' }]);
  await shows(again, ({ turn }) => turn === null);
  expect(toolValues(again)).toEqual([{ status: 'success', value: 'seen' }]);
});

test('[TU11] a turn that waits for credentials goes on when they are given', async () => {
  const { client } = await page(newDatabase());
  const keyed: SessionPolicy = { provider: { id: 'keyed', model: 'fake', credentials: 'key' } };
  const session = await client.createSession({ policy: keyed });
  const turn = session.turn('say at last');
  await shows(session, waitsFor('credentials'));
  await client.setCredentials('key', 'sk-a-long-enough-key');
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
});

test('[TU11] a turn that waits for the network goes on when the worker hears that it is there', async () => {
  const { client, worker } = await page(newDatabase());
  const distant: SessionPolicy = { provider: { id: 'distant', model: 'fake' }, whenOffline: 'wait' };
  const session = await client.createSession({ policy: distant });
  worker.postMessage({ online: false });
  const turn = session.turn('say at last');
  await shows(session, waitsFor('offline'));
  worker.postMessage({ online: true });
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
});

test.each([
  [{ maxTokens: 1 }, 'max_tokens'],
  [{ maxTurnMs: 50 }, 'max_time'],
])('a policy may say %j', async (limit, reason) => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ policy: { ...policy, ...limit } });
  const input = reason === 'max_time' ? 'drip' : 'call add {"a":1,"b":2}';
  expect(await within(session.turn(input).result)).toMatchObject({ reason });
});
