import type { SessionClient } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, policy } from './page.ts';

async function withHistory(): Promise<SessionClient> {
  const session = await (await connect()).createSession({ policy });
  await session.turn('say one').result;
  return session;
}

test('an unknown session is SessionNotFound, never an empty one', async () => {
  const client = await connect();
  expect((await failure(client.openSession('nobody'), 'SessionNotFound')).data).toEqual({
    sessionId: 'nobody',
  });
  await failure(client.renameSession('nobody', 'x'), 'SessionNotFound');
  await failure(client.deleteSession('nobody'), 'SessionNotFound');
  expect((await client.listSessions()).items).toEqual([]);
});

test('an unknown node changes nothing', async () => {
  const session = await withHistory();
  const before = session.getSnapshot();
  await failure(session.branchToNode('nothing.0'), 'NodeNotFound');
  await failure(session.turn('say x', { from: 'nothing.0' }).result, 'NodeNotFound');
  await failure(session.branches(['nothing.0']), 'NodeNotFound');
  expect(session.getSnapshot().window).toEqual(before.window);
});

test('a function in a message is NotData with its place, and history is unchanged', async () => {
  const session = await withHistory();
  const before = session.getSnapshot();
  const parts = [
    { type: 'text', text: 'fine' },
    { type: 'text', text: () => 'not data' },
  ] as never;
  const error = await failure(session.turn({ parts }).result, 'NotData');
  expect(error.data).toEqual({ path: '$.input.parts[1].text' });
  const nodes = [{ kind: 'plugin', pluginType: 'x', data: { when: new Date() } }] as never;
  expect((await failure(session.appendSessionNodes({ nodes }), 'NotData')).data.path).toBe(
    '$.nodes[0].data.when',
  );
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const wild = [{ kind: 'plugin', pluginType: 'x', data: cycle }] as never;
  await failure(session.appendSessionNodes({ nodes: wild }), 'NotData');
  expect(session.getSnapshot()).toBe(before);
});

test.each([
  ['a message without parts', { parts: [] }],
  ['a part of no known kind', { parts: [{ type: 'video' }] }],
  ['a part with a key too many', { parts: [{ type: 'text', text: 'x', html: '<b>' }] }],
  ['an image without an attachment', { parts: [{ type: 'image' }] }],
  ['a number', 5],
])('%s is InvalidInput, and history is unchanged', async (_what, input) => {
  const session = await withHistory();
  const before = session.getSnapshot();
  const turn = session.turn(input as never);
  const error = await failure(turn.result, 'InvalidInput');
  expect(error.data.path).toMatch(/^turn\.input/u);
  expect(session.getSnapshot()).toBe(before);
});

test('options that do not exist are refused, and not passed over', async () => {
  const session = await withHistory();
  await failure(session.turn('say x', { form: null } as never).result, 'InvalidInput');
  await failure(session.turn('say x', { whenRunning: 'later' } as never).result, 'InvalidInput');
  await failure(session.turn('say x', { inputId: '' }).result, 'InvalidInput');
});

test('ids and titles that are too long are refused', async () => {
  const client = await connect();
  const error = await failure(client.createSession({ id: 'x'.repeat(129), policy }), 'InvalidInput');
  expect(error.data.path).toBe('openSession.sessionId');
  expect(error.data.reason).toContain('1 to 128 bytes');
  await failure(client.createSession({ title: 'x'.repeat(501), policy }), 'InvalidInput');
  expect((await client.listSessions()).items).toEqual([]);
});

test('a call of the model with wrong arguments, or of a tool that is not there, is a failure that the model sees', async () => {
  const session = await withHistory();
  await session.turn('call add {"a":"one","b":2}').result;
  await session.turn('call nothing {}').result;
  const codes = session
    .getSnapshot()
    .window.nodes.flatMap(({ body }) =>
      body.kind === 'tool' && body.invocation.outcome.status === 'failure'
        ? [body.invocation.outcome.code]
        : [],
    );
  expect(codes).toEqual(['InvalidToolArguments', 'ToolNotFound']);
});
