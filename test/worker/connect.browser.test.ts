import { expect, test } from 'vitest';

import { connect, failure, policy, runtimeWorker, within } from './page.ts';

test('[WB1] a page that begins to listen after the worker said ready still connects', async () => {
  const worker = runtimeWorker();
  await new Promise<void>((resolve) => {
    worker.addEventListener('message', () => resolve(), { once: true });
  });
  const client = await within(connect({}, worker));
  expect((await client.listSessions()).items).toEqual([]);
  worker.terminate();
});

test('[WB1] a worker that begins to listen late, and has missed the hello, still connects', async () => {
  const client = await within(
    connect({}, () => new Worker(new URL('./late.worker.ts', import.meta.url), { type: 'module' })),
  );
  const session = await client.createSession({ policy });
  expect(await session.turn('say hi').result).toMatchObject({ status: 'completed' });
});

test('[WB1] a script that is not there is reported at once, with the usual causes', async () => {
  const missing = (): Worker => new Worker('/no-such-worker.js', { type: 'module' });
  const error = await failure(connect({}, missing), 'WorkerLoadFailed');
  expect(error.data.causes.join()).toContain('URL');
  expect(error.message).toContain('worker-src');
});

test('[WB1] a script that throws while it starts is reported at once', async () => {
  const broken = (): Worker => new Worker(new URL('./broken.worker.ts', import.meta.url), { type: 'module' });
  await failure(connect({}, broken), 'WorkerLoadFailed');
});

test('[WB1] a worker that says nothing is given up after the time-out', async () => {
  const silent = (): Worker => new Worker(new URL('./silent.worker.ts', import.meta.url), { type: 'module' });
  const error = await failure(connect({ readyTimeoutMs: 200 }, silent), 'WorkerLoadFailed');
  expect(error.message).toContain('200 ms');
});

test('[WB1][WB3] when building the environment throws, connecting fails with that error, its code and its cause', async () => {
  const error = await failure(connect({ config: { fail: 'typed' } }), 'StorageUnavailable');
  expect(error.message).toBe('no database');
  expect(error.data).toEqual({ database: 'app', reason: 'blocked' });
  expect(error.cause).toMatchObject({ code: 'SchemaTooNew', data: { database: 'app' } });
});

test('[WB3][SE1] an error of the host arrives as Internal with its cause, and without a registered secret', async () => {
  const error = await failure(connect({ config: { fail: 'plain' } }), 'Internal');
  expect(error.cause).toMatchObject({ name: 'RangeError', message: 'the host threw [redacted]' });
  expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toContain('sk-canary-123');
});

test('a worker of another version of the package is refused', async () => {
  const other = (): Worker =>
    new Worker(new URL('./other-version.worker.ts', import.meta.url), { type: 'module' });
  const error = await failure(connect({}, other), 'ProtocolMismatch');
  expect(error.data).toEqual({ page: 5, worker: 0 });
});

test('a config that is not data is refused with its place', async () => {
  const config = { nested: [{ now: new Date() as never }] };
  const error = await failure(connect({ config }), 'NotData');
  expect(error.data).toEqual({ path: 'config.nested[0].now' });
});

test('a worker that stays the caller’s can be connected to again after the client was closed', async () => {
  const worker = runtimeWorker();
  const first = await connect({}, worker);
  await first.close();
  await failure(first.listSessions(), 'ClientClosed');
  const second = await connect({}, worker);
  expect((await second.listSessions()).items).toEqual([]);
  worker.terminate();
});

test('what nobody catches in the worker is told to the page, without a registered secret', async () => {
  const warnings: string[] = [];
  let warned: () => void = () => undefined;
  const client = await connect({ onWarning: (error) => (warnings.push(String(error.cause)), warned()) });
  const session = await client.createSession({ policy });
  for (const how of ['throw', 'reject']) {
    const told = new Promise<void>((resolve) => (warned = resolve));
    await session.turn(`call mishap {"how":"${how}"}`).result;
    await within(told);
  }
  expect(warnings).toEqual(['TypeError: thrown with [redacted]', 'TypeError: rejected with [redacted]']);
});
