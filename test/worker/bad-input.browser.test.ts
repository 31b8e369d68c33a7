import { type PageTool, type SessionClient, toolResult } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, policy, within } from './page.ts';

async function withHistory(): Promise<SessionClient> {
  const session = await (await connect()).createSession({ policy });
  await session.turn('say one').result;
  return session;
}

/** Whoever did something wrong can go on: another turn is answered. */
async function expectGoesOn(session: SessionClient): Promise<void> {
  expect(await within(session.turn('say fine').result)).toMatchObject({ status: 'completed' });
  expect(session.getSnapshot().turn).toBeNull();
  expect(await session.pendingTurns()).toEqual([]);
}

const outcomes = (session: SessionClient): unknown[] =>
  session
    .getSnapshot()
    .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

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
  await expectGoesOn(session);
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
  await expectGoesOn(session);
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
  await expectGoesOn(session);
});

test('options that do not exist are refused, and not passed over', async () => {
  const session = await withHistory();
  await failure(session.turn('say x', { form: null } as never).result, 'InvalidInput');
  await failure(session.turn('say x', { whenRunning: 'later' } as never).result, 'InvalidInput');
  await failure(session.turn('say x', { inputId: '' }).result, 'InvalidInput');
  await failure(session.turn('say x', { tools: 'add' } as never).result, 'InvalidInput');
  await failure(session.setPolicy({ tools: [5] } as never), 'InvalidInput');
  await expectGoesOn(session);
});

test('ids and titles that are too long are refused', async () => {
  const client = await connect();
  const error = await failure(client.createSession({ id: 'x'.repeat(129), policy }), 'InvalidInput');
  expect(error.data.path).toBe('openSession.sessionId');
  expect(error.data.reason).toContain('1 to 128 bytes');
  await failure(client.createSession({ title: 'x'.repeat(501), policy }), 'InvalidInput');
  expect((await client.listSessions()).items).toEqual([]);
});

test('a call of a tool that is not there is ToolNotFound, which the model sees, and the session goes on', async () => {
  const session = await withHistory();
  await session.turn('call nothing {}').result;
  expect(outcomes(session)).toMatchObject([{ status: 'failure', code: 'ToolNotFound' }]);
  await expectGoesOn(session);
});

test.each(['{"a":"one","b":2}', '{broken', '"text"', '5', 'null', '[1,2]', '{"a":1e999,"b":2}'])(
  'arguments %s are InvalidToolArguments, which the model sees, and the session goes on',
  async (args) => {
    const session = await withHistory();
    await session.turn(`call add ${args}`).result;
    expect(outcomes(session)).toMatchObject([{ status: 'failure', code: 'InvalidToolArguments' }]);
    await expectGoesOn(session);
  },
);

/** What comes of one call of a tool of the page that does this; the session goes on afterwards. */
async function outcomeOf(execute: PageTool['execute'], more: Partial<PageTool> = {}): Promise<unknown> {
  const client = await connect();
  const inputSchema = { type: 'object' };
  await client.offerTools([{ name: 'odd', description: 'Is odd.', inputSchema, execute, ...more }]);
  const session = await client.createSession({ policy });
  expect(await within(session.turn('call odd {}').result)).toMatchObject({ status: 'completed' });
  const [outcome] = outcomes(session);
  await expectGoesOn(session);
  return outcome;
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;

test.each([
  ['a function', () => 1],
  ['an element', document.createElement('p')],
  ['a date', { when: new Date(0) }],
  ['not a number', [Number.NaN]],
  ['a big integer', 1n],
  ['a symbol', Symbol('s')],
  ['bytes', new Uint8Array(3)],
  ['a cycle', cycle],
])('a page tool that returns %s is NotData, and the session goes on', async (_what, value) => {
  expect(await outcomeOf(() => value as never)).toMatchObject({ status: 'failure', code: 'NotData' });
});

test.each([
  ['no reference', {}, 'InvalidInput'],
  [
    'a reference to what is not stored',
    { id: 'f'.repeat(64), mime: 'image/png', byteLength: 1 },
    'AttachmentNotFound',
  ],
])(
  'a page tool that returns %s as an attachment is %s, and the session goes on',
  async (_what, ref, code) => {
    const outcome = await outcomeOf(() => toolResult('see', { attachments: [ref as never] }));
    expect(outcome).toMatchObject({ status: 'failure', code });
  },
);

test('a page tool that returns nothing is null, and one that resolves twice counts once', async () => {
  expect(await outcomeOf(() => undefined as never)).toEqual({ status: 'success', value: null });
  const twice = {
    // oxlint-disable-next-line unicorn/no-thenable -- what a tool must not do
    then: (resolve: (value: string) => void) => {
      resolve('first');
      resolve('second');
    },
  };
  expect(await outcomeOf(() => twice as never)).toEqual({ status: 'success', value: 'first' });
});

test(
  'a page tool that returns 50 MB has it kept as an attachment, and the session goes on',
  { timeout: 60_000 },
  async () => {
    const client = await connect();
    const execute = (): string => 'x'.repeat(50 * 1024 * 1024);
    await client.offerTools([
      { name: 'huge', description: 'Is huge.', inputSchema: { type: 'object' }, execute },
    ]);
    const session = await client.createSession({ policy });
    expect(await session.turn('call huge {}').result).toMatchObject({ status: 'completed' });
    expect(outcomes(session)).toMatchObject([
      { status: 'success', value: null, overflow: { byteLength: 50 * 1024 * 1024 + 2 } },
    ]);
    await expectGoesOn(session);
  },
);

const thrownThings: readonly (readonly [string, unknown, string])[] = [
  ['a string', 'just words', 'just words'],
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a number', 7, '7'],
  ['an object', { code: 'StorageFull' }, 'an object that is no error'],
  ['an error of the platform', new DOMException('no such element', 'NotFoundError'), 'no such element'],
];

test.each(thrownThings)(
  'a page tool that throws %s is a failure in words, and the session goes on',
  async (_what, thrown, said) => {
    const outcome = await outcomeOf(() => {
      throw thrown;
    });
    expect(outcome).toMatchObject({
      status: 'failure',
      code: 'ToolFailed',
      message: expect.stringContaining(said) as string,
    });
  },
);

test('a page tool that never returns is ToolTimeout, and the session goes on', async () => {
  const outcome = await outcomeOf(() => new Promise<never>(() => undefined), { timeoutMs: 20 });
  expect(outcome).toMatchObject({ status: 'failure', code: 'ToolTimeout' });
});

test('an approval that is answered twice keeps the first answer, and the session goes on', async () => {
  const client = await connect();
  // Both answers come before the turn can end: after that there is nothing to answer.
  const { promise: answered, resolve: goOn } = Promise.withResolvers<string>();
  const inputSchema = { type: 'object' };
  const guarded = { name: 'watched', description: 'Is asked for.', inputSchema, approval: true };
  await client.offerTools([{ ...guarded, execute: () => answered }]);
  const session = await client.createSession({ policy });
  const turn = session.turn('call watched {}');
  const requestId = await within(
    new Promise<string>((resolve) => {
      const stop = session.subscribe(() => {
        const [wait] = session.getSnapshot().turn?.waits ?? [];
        if (wait?.kind !== 'approval') return;
        stop();
        resolve(wait.requestId);
      });
    }),
  );
  const answers = [
    session.answer(requestId, { approve: true }),
    session.answer(requestId, { approve: false }),
  ];
  expect(await Promise.all(answers)).toEqual([{ approve: true }, { approve: true }]);
  goOn('done');
  await within(turn.result);
  expect(outcomes(session)).toMatchObject([{ status: 'success', value: 'done' }]);
  await failure(session.answer(requestId, { approve: true }), 'TurnNotFound');
  await failure(session.answer('nobody/tool-0-0', { approve: true }), 'TurnNotFound');
  await failure(session.answer(requestId, { approve: 'yes' } as never), 'InvalidInput');
  await expectGoesOn(session);
});

test('an id that is used again with other content is refused, and the session goes on', async () => {
  const client = await connect();
  const session = await client.createSession({ id: 's', policy });
  await failure(client.createSession({ id: 's', policy }), 'SessionExists');
  await session.turn('say one', { inputId: 't' }).result;
  await failure(session.turn('say two', { inputId: 't' }).result, 'OperationConflict');
  await failure(session.turn('say one', { inputId: 't', tools: [] }).result, 'OperationConflict');
  expect(await session.turn('say one', { inputId: 't' }).result).toMatchObject({ status: 'completed' });
  expect(session.getSnapshot().window.nodes).toHaveLength(2);
  await expectGoesOn(session);
});
