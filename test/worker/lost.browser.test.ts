import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy, runtimeWorker, within } from './page.ts';

/** A client whose workers the test can end. */
async function mortal(
  database = newDatabase(),
): Promise<{ client: Awaited<ReturnType<typeof connect>>; kill: () => void }> {
  const workers: Worker[] = [];
  const source = (): Worker => {
    const worker = runtimeWorker();
    workers.push(worker);
    return worker;
  };
  const client = await connect({ config: { database } }, source);
  return { client, kill: () => workers.at(-1)?.terminate() };
}

test('[WB2] when the worker is terminated, everything that waits rejects with WorkerLost', async () => {
  const { client, kill } = await mortal();
  const session = await client.createSession({ policy });
  const turn = session.turn('drip');
  await turn.accepted;
  const lost = new Promise((resolve) => client.onLost(resolve));
  const waiting = [
    turn.result,
    turn.cancel(),
    (async () => {
      for await (const _activity of turn);
    })(),
    session.attachments.put(new Blob(['x'], { type: 'text/plain' })),
    client.listSessions(),
  ];
  kill();
  await Promise.all(waiting.map(async (promise) => await failure(promise, 'WorkerLost')));
  expect(await within(lost)).toMatchObject({ code: 'WorkerLost', retryable: true });
  await failure(session.rename('x'), 'WorkerLost');
  await failure(client.storage(), 'WorkerLost');
});

test('[WB2] when the worker ends itself in the middle of a tool, the turn rejects with WorkerLost', async () => {
  const { client } = await mortal();
  const session = await client.createSession({ policy });
  await failure(session.turn('call die {}').result, 'WorkerLost');
});

test('[WB2] after a reconnect, open sessions go on where the last commit left them', async () => {
  const { client, kill } = await mortal();
  await client.offerTools([
    { name: 'page', description: '', inputSchema: { type: 'object' }, execute: () => 'from the page' },
  ]);
  const session = await client.createSession({ id: 's', policy });
  const twin = await client.openSession('s');
  await session.turn('say one').result;
  const before = session.getSnapshot();
  const running = session.turn('drip');
  await running.accepted;
  let notified = 0;
  session.subscribe(() => notified++);
  kill();
  await failure(running.result, 'WorkerLost');
  await within(client.reconnect());
  const after = session.getSnapshot();
  expect(notified).toBeGreaterThan(0);
  expect(after.turn?.turnId).toBe(running.turnId);
  expect(after.window.nodes.slice(0, 2)).toEqual(before.window.nodes);
  expect(after.window.nodes).toHaveLength(3);
  const goesOn = session.turn('drip', { inputId: running.turnId });
  expect(await within(goesOn.cancel())).toMatchObject({ status: 'cancelled' });
  await session.close();
  const result = await twin.turn('call page {}').result;
  expect(result.status).toBe('completed');
  expect(twin.getSnapshot().window.nodes.some(({ body }) => body.kind === 'tool')).toBe(true);
  await twin.close();
  await failure(twin.rename('x'), 'SessionClosed');
});

test('[WB2] a session that does not open again rejects with the reason, and the others go on', async () => {
  const workers: Worker[] = [];
  const source = (): Worker => {
    const worker = runtimeWorker();
    workers.push(worker);
    return worker;
  };
  const client = await connect({}, source);
  const session = await client.createSession({ id: 'in memory', policy });
  workers.at(-1)?.terminate();
  await failure(session.rename('x'), 'WorkerLost');
  await within(client.reconnect());
  await failure(session.rename('x'), 'SessionNotFound');
  const other = await client.createSession({ policy });
  await other.rename('fine');
});

test('[WB2] a worker that is not lost is replaced by a reconnect, too', async () => {
  const { client } = await mortal();
  const session = await client.createSession({ policy });
  const turn = session.turn('drip');
  await turn.accepted;
  await within(client.reconnect());
  await failure(turn.result, 'WorkerLost');
  await session.rename('fine');
  expect(session.getSnapshot().title).toBe('fine');
});

test('[WB2] a client that was given a worker cannot make another one', async () => {
  const worker = runtimeWorker();
  const client = await connect({}, worker);
  await failure(client.reconnect(), 'CannotReconnect');
  expect((await client.listSessions()).items).toEqual([]);
  worker.terminate();
});

test('a client that was closed rejects every call, and closing twice or after a loss does nothing', async () => {
  const { client, kill } = await mortal();
  const session = await client.createSession({ policy });
  const turn = session.turn('drip');
  await turn.accepted;
  const closed = client.close();
  expect(await within(turn.result)).toMatchObject({ status: 'cancelled' });
  await closed;
  await client.close();
  await failure(session.rename('x'), 'ClientClosed');
  await failure(client.reconnect(), 'ClientClosed');
  kill();
  const other = await mortal();
  other.kill();
  await failure(other.client.listSessions(), 'WorkerLost');
  await other.client.close();
});

test('[WB2] a worker that is busy for 6 s is waited for; one that hangs is told of, and replaced', async () => {
  const [busy, stuck] = [await mortal(), await mortal()];
  const session = await busy.client.createSession({ policy });
  const hanging = await stuck.client.createSession({ id: 's', policy });
  const lost = new Promise((resolve) => stuck.client.onLost(resolve));
  const patient = session.turn('call spin {"ms":6000}').result;
  const turn = hanging.turn('call spin {"ms":3600000}');
  const error = await turn.result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'WorkerUnresponsive', retryable: true });
  expect(await within(lost)).toBe(error);
  await failure(hanging.rename('x'), 'WorkerUnresponsive');
  expect(await patient).toMatchObject({ status: 'completed' });
  await within(stuck.client.reconnect());
  expect(hanging.getSnapshot().window.nodes.length).toBeGreaterThan(0);
  const goesOn = hanging.turn('call spin {"ms":3600000}', { inputId: turn.turnId });
  expect(await within(goesOn.result)).toMatchObject({ status: 'completed' });
  const outcome = hanging
    .getSnapshot()
    .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));
  expect(outcome).toMatchObject([{ status: 'failure', code: 'ToolOutcomeUnknown' }]);
});
