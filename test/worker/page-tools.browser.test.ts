import {
  type PageTool,
  type PageToolContext,
  type SessionClient,
  toolFailure,
  toolResult,
  type TurnWait,
} from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy, runtimeWorker, within } from './page.ts';

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

/** A tool that begins and does not end by itself. */
function endless(change: Partial<PageTool> = {}): { readonly tool: PageTool; readonly begun: Promise<void> } {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const execute = (): Promise<never> => {
    begin();
    return new Promise(() => undefined);
  };
  return { tool: tool({ execute, ...change }), begun };
}

test('[TU3] when the client is closed in the middle of a page tool, the turn ends, and its outcome is unknown', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database } });
  const { tool: running, begun } = endless();
  await client.offerTools([running]);
  const session = await client.createSession({ id: 's', policy });
  const turn = session.turn('call query {"selector":"h1"}');
  await within(begun);
  await within(client.close());
  expect((await turn.result).status).toBe('cancelled');
  const other = await connect({ config: { database } });
  const again = await other.openSession('s', { mode: 'readOnly' });
  expect(outcomes(again)).toMatchObject([{ status: 'failure', code: 'ToolOutcomeUnknown' }]);
});

test('[TU3] when the page and its worker are gone in the middle of a page tool, the model is told that nobody knows', async () => {
  const database = newDatabase();
  const worker = runtimeWorker();
  const client = await connect({ config: { database } }, worker);
  const { tool: running, begun } = endless();
  await client.offerTools([running]);
  const session = await client.createSession({ id: 's', policy });
  session.turn('call query {"selector":"h1"}', { inputId: 'asks' });
  await within(begun);
  worker.terminate();
  const other = await connect({ config: { database } });
  let asked = 0;
  await other.offerTools([tool({ execute: () => ++asked })]);
  const again = await other.openSession('s');
  const turn = again.turn('call query {"selector":"h1"}', { inputId: 'asks' });
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  expect(outcomes(again)).toMatchObject([{ status: 'failure', code: 'ToolOutcomeUnknown' }]);
  expect(asked).toBe(0);
});

test('[TU3] a page tool that is safe to run again runs on the page that offers it then; the late answer is dropped', async () => {
  const workers: Worker[] = [];
  const source = (): Worker => {
    const worker = runtimeWorker();
    workers.push(worker);
    return worker;
  };
  const client = await connect({ config: { database: newDatabase() } }, source);
  const answers: ((value: string) => void)[] = [];
  let asked: () => void = () => undefined;
  const next = (): Promise<void> => new Promise((resolve) => (asked = resolve));
  const execute = (): Promise<string> => {
    asked();
    return new Promise((resolve) => answers.push(resolve));
  };
  await client.offerTools([tool({ replay: 'safe', execute })]);
  const session = await client.createSession({ policy });
  let again = next();
  session.turn('call query {"selector":"h1"}', { inputId: 'asks' });
  await within(again);
  again = next();
  workers[0]?.terminate();
  await failure(session.rename('x'), 'WorkerLost');
  await within(client.reconnect());
  await within(again);
  answers[0]?.('too late');
  answers[1]?.('in time');
  const turn = session.turn('call query {"selector":"h1"}', { inputId: 'asks' });
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  expect(outcomes(session)).toMatchObject([{ status: 'success', value: 'in time' }]);
});

test('[TL6] a page tool that takes longer than it may is a failure, and the page is told', async () => {
  const told: unknown[] = [];
  const session = await sessionWith(
    tool({
      timeoutMs: 20,
      execute: (_args, { signal }) => {
        signal.addEventListener('abort', () => told.push(signal.reason));
        return new Promise<never>(() => undefined);
      },
    }),
  );
  await within(session.turn('call query {"selector":"h1"}').result);
  expect(outcomes(session)).toMatchObject([{ status: 'failure', code: 'ToolTimeout' }]);
  expect(told).toHaveLength(1);
});

type Approval = Extract<TurnWait, { readonly kind: 'approval' }>;

/** The question that a turn asks next. */
async function question(session: SessionClient): Promise<Approval> {
  return await within(
    new Promise((resolve) => {
      const stop = session.subscribe(() => {
        const [wait] = session.getSnapshot().turn?.waits ?? [];
        if (wait?.kind !== 'approval') return;
        stop();
        resolve(wait);
      });
    }),
  );
}

test('[TL4] a page tool may need an approval', async () => {
  const session = await sessionWith(tool({ approval: true, execute: () => 'done' }));
  const turn = session.turn('call query {"selector":"h1"}');
  const { requestId } = await question(session);
  await session.answer(requestId, { approve: true });
  await within(turn.result);
  expect(outcomes(session)).toEqual([{ status: 'success', value: 'done' }]);
});

test.each([
  ['runs as it is now where the model was told of the same tool', {}, { status: 'success', value: 'new' }],
  [
    'does not run where it has another schema',
    { inputSchema: { type: 'object' } },
    { status: 'failure', code: 'ToolUnavailable' },
  ],
  [
    'does not run where it has another description',
    { description: 'Writes the text of an element.' },
    { status: 'failure', code: 'ToolUnavailable' },
  ],
])(
  '[TL8] a page tool that was offered again between the call and its run %s',
  async (_what, change, outcome) => {
    const client = await connect();
    await client.offerTools([tool({ approval: true, execute: () => 'old' })]);
    const session = await client.createSession({ policy });
    const turn = session.turn('call query {"selector":"h1"}');
    const { requestId } = await question(session);
    await client.offerTools([tool({ approval: true, execute: () => 'new', ...change })]);
    await session.answer(requestId, { approve: true });
    await within(turn.result);
    expect(outcomes(session)).toMatchObject([outcome]);
  },
);

test('[TL7] session and turn name the tools that the model is offered, the page’s among them', async () => {
  const client = await connect();
  let asked = 0;
  await client.offerTools([
    tool({ execute: () => ++asked }),
    tool({ name: 'other', execute: () => 'other' }),
  ]);
  const session = await client.createSession({ policy: { ...policy, tools: ['other', 'add'] } });
  await session.turn('call query {"selector":"h1"}').result;
  await session.turn('call other {"selector":"h1"}').result;
  await session.turn('call other {"selector":"h1"}', { tools: ['add'] }).result;
  expect(outcomes(session)).toMatchObject([
    { status: 'failure', code: 'ToolUnavailable' },
    { status: 'success', value: 'other' },
    { status: 'failure', code: 'ToolUnavailable' },
  ]);
  expect(asked).toBe(0);
});

test('[TL9] a page tool returns an image: the model sees it, and it is there after a reload', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database } });
  const png = new Blob([new Uint8Array([137, 80, 78, 71])], { type: 'image/png' });
  const sessions: SessionClient[] = [];
  await client.offerTools([
    tool({
      execute: async () => {
        const image = await sessions[0]!.attachments.put(png, { name: 'page.png' });
        return toolResult('a picture', { attachments: [image] });
      },
    }),
  ]);
  const session = await client.createSession({ id: 's', policy });
  sessions.push(session);
  await within(session.turn('call query {"selector":"h1"}').result);
  const shown = [
    {
      status: 'success',
      value: 'a picture',
      attachments: [{ mime: 'image/png', byteLength: 4, name: 'page.png' }],
    },
  ];
  expect(outcomes(session)).toMatchObject(shown);
  expect(JSON.stringify(session.getSnapshot().window.nodes.at(-1))).toContain('and 1 images');
  await client.close();
  const again = await (await connect({ config: { database } })).openSession('s');
  expect(outcomes(again)).toMatchObject(shown);
  const [outcome] = outcomes(again) as { readonly attachments: readonly { readonly id: string }[] }[];
  const kept = await again.attachments.get(outcome?.attachments[0]?.id ?? '');
  expect(new Uint8Array(await kept.arrayBuffer())).toEqual(new Uint8Array(await png.arrayBuffer()));
});

test('[TL2] a page tool says more of its failure than a message', async () => {
  const execute = (): never => {
    throw toolFailure('Sold out', { class: 'unavailable', retryable: true, data: { next: 'Monday' } });
  };
  const session = await sessionWith(tool({ execute }));
  await session.turn('call query {"selector":"h1"}').result;
  expect(outcomes(session)).toEqual([
    {
      status: 'failure',
      class: 'unavailable',
      code: 'ToolFailed',
      message: 'Sold out',
      retryable: true,
      data: { next: 'Monday' },
    },
  ]);
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
