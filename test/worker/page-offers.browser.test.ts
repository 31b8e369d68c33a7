import type { PageProvider, RuntimeClient } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy, runtimeWorker, within } from './page.ts';
import { answerOf, dictated, finish, paged, provider, saying, shows, text, waits, yields } from './paged.ts';

/** A client whose worker the test can end. */
async function mortal(database: string): Promise<{ client: RuntimeClient; kill: () => void }> {
  const workers: Worker[] = [];
  const source = (): Worker => {
    const worker = runtimeWorker();
    workers.push(worker);
    return worker;
  };
  const client = await connect({ config: { database } }, source);
  return { client, kill: () => workers.at(-1)?.terminate() };
}

test('[TU3][TU8] when the worker dies in the middle of an answer, the page’s model stops, is offered again, and is asked again', async () => {
  const { client, kill } = await mortal(newDatabase());
  const first = dictated();
  let calls = 0;
  await client.offerProvider(
    'page',
    provider((request, signal) => {
      calls++;
      return calls === 1 ? first.provider.stream(request, signal) : yields(text('whole'), finish());
    }),
  );
  const session = await client.createSession({ policy: paged });
  const lost = failure(session.turn('hi', { inputId: 'asks' }).result, 'WorkerLost');
  first.say(text('half'));
  await shows(session, () => session.getSnapshot().turn?.text === 'half');
  const signal = await within(first.called);
  kill();
  await lost;
  expect(signal.aborted).toBe(true);
  await within(client.reconnect());
  const again = session.turn('hi', { inputId: 'asks' });
  expect(await within(again.result)).toMatchObject({ status: 'completed' });
  expect([calls, answerOf(session)]).toEqual([2, 'whole']);
  expect(session.getSnapshot().window.nodes).toHaveLength(2);
});

test('[TU11] when the page is gone in the middle of an answer, its turn waits for a page that offers the provider', async () => {
  const database = newDatabase();
  const worker = runtimeWorker();
  const client = await connect({ config: { database } }, worker);
  const first = dictated();
  await client.offerProvider('page', first.provider);
  const session = await client.createSession({ id: 's', policy: paged });
  session.turn('hi', { inputId: 'asks' }).result.catch(() => undefined);
  first.say(text('half'));
  await shows(session, () => session.getSnapshot().turn?.text === 'half');
  worker.terminate();

  const other = await connect({ config: { database } });
  const again = await other.openSession('s');
  const wait = { kind: 'provider', provider: 'page' };
  expect(await waits(again)).toEqual([wait]);
  expect(await again.pendingTurns()).toMatchObject([{ turnId: 'asks', status: 'waiting', waits: [wait] }]);
  const turn = again.turn('hi', { inputId: 'asks' });
  await other.offerProvider('unrelated', saying('no'));
  await other.offerProvider('page', saying('at last'));
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  expect(answerOf(again)).toBe('at last');
  expect(again.getSnapshot().window.nodes).toHaveLength(2);
});

test('when the client is closed in the middle of an answer, the page’s model is told, and the text so far stays', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database } });
  const { provider: offered, say, called } = dictated();
  await client.offerProvider('page', offered);
  const session = await client.createSession({ id: 's', policy: paged });
  const turn = session.turn('hi');
  say(text('half'));
  await shows(session, () => session.getSnapshot().turn?.text === 'half');
  await within(client.close());
  expect((await within(called)).aborted).toBe(true);
  expect((await turn.result).status).toBe('cancelled');
  const other = await connect({ config: { database } });
  expect(answerOf(await other.openSession('s', { mode: 'readOnly' }))).toBe('half');
});

test('[TU11] a provider that is withdrawn finishes what it answers; the turn’s next call waits until it is offered again', async () => {
  const client = await connect();
  let withdraw: () => Promise<void> = () => Promise.resolve();
  await client.offerProvider(
    'page',
    provider(async function* () {
      await withdraw();
      yield { type: 'tool-call', callId: '1', tool: 'add', args: '{"a":1,"b":2}' };
      yield finish('tool-calls');
    }),
  );
  withdraw = () => client.offerProvider('page', null);
  const session = await client.createSession({ policy: paged });
  const turn = session.turn('hi');
  expect(await waits(session)).toEqual([{ kind: 'provider', provider: 'page' }]);
  await client.offerProvider('page', saying('three'));
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  expect(answerOf(session)).toBe('three');
});

test('offering again replaces what was offered, and a new turn finds nothing where it was taken back', async () => {
  const client = await connect();
  await client.offerProvider('page', saying('one'));
  const session = await client.createSession({ policy: paged });
  await client.offerProvider('page', saying('two'));
  await within(session.turn('hi').result);
  expect(answerOf(session)).toBe('two');
  await client.offerProvider('page', null);
  await client.offerProvider('page', null);
  const { status, error } = await within(session.turn('hi').result);
  expect([status, error?.code]).toEqual(['failed', 'ProviderNotFound']);
});

test.each<[string, string, PageProvider | null]>([
  ['an id that a provider of the worker has', 'fake', saying('mine')],
  ['an empty id', '', saying('mine')],
  ['a provider without a name', 'page', { ...saying('mine'), model: '' }],
  ['a context of no size', 'page', { ...saying('mine'), maxContextTokens: 0 }],
])('%s is refused, and what was offered before stays', async (_what, id, offered) => {
  const client = await connect();
  await client.offerProvider('page', saying('kept'));
  await failure(client.offerProvider(id, offered), 'InvalidInput');
  const session = await client.createSession({ policy: paged });
  await within(session.turn('hi').result);
  expect(answerOf(session)).toBe('kept');
  await session.setPolicy(policy);
  await within(session.turn('say from the worker').result);
  expect(answerOf(session)).toBe('from the worker');
});
