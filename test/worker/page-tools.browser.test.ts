import type { PageTool, PageToolContext, SessionClient } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, policy, within } from './page.ts';

const inputSchema = {
  type: 'object',
  properties: { selector: { type: 'string', minLength: 1 } },
  required: ['selector'],
  additionalProperties: false,
};

const tool = (change: Partial<PageTool> = {}): PageTool => ({
  name: 'query',
  description: 'Reads the text of an element.',
  inputSchema,
  execute: () => null,
  ...change,
});

async function sessionWith(...tools: PageTool[]): Promise<SessionClient> {
  const client = await connect();
  await client.offerTools(tools);
  return await client.createSession({ policy });
}

const outcomes = (session: SessionClient): unknown[] =>
  session
    .getSnapshot()
    .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

test('a tool of the page runs on the page, with what the model passed', async () => {
  document.title = 'a title';
  const contexts: PageToolContext[] = [];
  const session = await sessionWith(
    tool({
      execute: (args, context) => {
        contexts.push(context);
        return { args, title: document.title };
      },
    }),
  );
  const turn = session.turn('call query {"selector":"h1"}');
  await turn.result;
  expect(outcomes(session)).toEqual([
    { status: 'success', value: { args: { selector: 'h1' }, title: 'a title' } },
  ]);
  expect(contexts).toMatchObject([{ sessionId: session.sessionId, turnId: turn.turnId, callId: 'c1' }]);
});

test.each([
  ['{}', 'selector'],
  ['{"selector":""}', '$.selector'],
  ['{"selector":"h1","more":1}', 'more'],
])('[TU9] the arguments %s are refused in the worker, and the page is not asked', async (args, place) => {
  let asked = 0;
  const session = await sessionWith(tool({ execute: () => ++asked }));
  await session.turn(`call query ${args}`).result;
  expect(outcomes(session)).toMatchObject([{ status: 'failure', code: 'InvalidToolArguments' }]);
  expect(JSON.stringify(outcomes(session))).toContain(place);
  expect(asked).toBe(0);
});

test.each([
  ['throws', () => Promise.reject(new Error('it broke')), 'it broke'],
  ['returns what is not data', () => ({ when: new Date() }) as never, '$.when'],
])('a tool of the page that %s is a failure that the model sees', async (_what, execute, message) => {
  const session = await sessionWith(tool({ execute }));
  expect((await session.turn('call query {"selector":"h1"}').result).status).toBe('completed');
  expect(outcomes(session)).toMatchObject([
    { status: 'failure', message: expect.stringContaining(message) as string },
  ]);
});

test('when the turn is stopped, the page is told, and the call ends without waiting for it', async () => {
  let signal: AbortSignal | undefined;
  let started: () => void = () => undefined;
  const running = new Promise<void>((resolve) => (started = resolve));
  const session = await sessionWith(
    tool({
      execute: (_args, context) => {
        ({ signal } = context);
        started();
        return new Promise(() => undefined);
      },
    }),
  );
  const turn = session.turn('call query {"selector":"h1"}');
  await within(running);
  expect(signal?.aborted).toBe(false);
  expect(await within(turn.cancel('enough'))).toMatchObject({ status: 'cancelled' });
  await within(
    new Promise<void>((resolve) => {
      if (signal?.aborted === true) resolve();
      else signal?.addEventListener('abort', () => resolve());
    }),
  );
});

test('when the client is closed in the middle of a page tool, the turn ends', async () => {
  const client = await connect();
  await client.offerTools([tool({ execute: () => new Promise(() => undefined) })]);
  const session = await client.createSession({ policy });
  const turn = session.turn('call query {"selector":"h1"}');
  await turn.accepted;
  await within(client.close());
  expect((await turn.result).status).toBe('cancelled');
});

test('offering again replaces what was offered, also for sessions that are open', async () => {
  const client = await connect();
  const session = await client.createSession({ policy });
  await client.offerTools([tool()]);
  await client.offerTools([tool({ name: 'other', execute: () => 'other' })]);
  await session.turn('call query {"selector":"h1"}').result;
  await session.turn('call other {"selector":"h1"}').result;
  expect(outcomes(session)).toMatchObject([
    { status: 'failure', code: 'ToolNotFound' },
    { status: 'success', value: 'other' },
  ]);
});

test.each([
  ['a name that providers do not take', [tool({ name: 'no spaces' })], 'tools[0].name'],
  ['a name that a tool of the worker has', [tool({ name: 'add' })], 'tools[0].name'],
  ['a name twice', [tool(), tool()], 'tools[1].name'],
  [
    'a schema that leads nowhere',
    [tool({ inputSchema: { $ref: '#/$defs/nothing' } })],
    'tools[0].inputSchema',
  ],
])('%s is refused, and what was offered before stays', async (_what, tools, path) => {
  const client = await connect();
  await client.offerTools([tool({ name: 'before', execute: () => 'kept' })]);
  expect((await failure(client.offerTools(tools), 'InvalidInput')).data.path).toBe(path);
  const session = await client.createSession({ policy });
  await session.turn('call before {"selector":"h1"}').result;
  expect(outcomes(session)).toMatchObject([{ status: 'success', value: 'kept' }]);
});
