import { LashError, type ModelRequest } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, policy, within } from './page.ts';
import {
  answerOf,
  dictated,
  finish,
  paged,
  provider,
  sessionWith,
  shows,
  text,
  USAGE,
  yields,
} from './paged.ts';

test('[PR1] a provider of the page streams into the turn, in order, and its tokens count', async () => {
  const { provider: offered, say } = dictated();
  const session = await sessionWith(offered);
  const turn = session.turn('hi');
  for (let n = 0; n < 40; n++) say(text(`${n} `));
  await shows(session, () => session.getSnapshot().turn?.text.endsWith('39 ') === true);
  say({ type: 'reasoning-delta', text: 'hm' });
  say({ type: 'reasoning-end', replay: { kept: true } });
  say(text('done'));
  say(finish());
  expect(await within(turn.result)).toMatchObject({ status: 'completed', usage: USAGE });
  const numbers = Array.from({ length: 40 }, (_, n) => `${n} `).join('');
  expect(session.getSnapshot().window.nodes.at(-1)?.body).toMatchObject({
    message: {
      parts: [
        { type: 'text', text: numbers },
        { type: 'reasoning', text: 'hm', replay: { kept: true } },
        { type: 'text', text: 'done' },
      ],
    },
  });
  expect((await session.usage()).ledger).toMatchObject([{ model: 'on-page', usage: USAGE }]);
});

test('a provider of the page is given the whole request, images and all', async () => {
  const requests: ModelRequest[] = [];
  const session = await sessionWith(
    provider((request) => {
      requests.push(request);
      return yields(text('{"seen":true}'), finish());
    }),
  );
  const bytes = new Uint8Array([137, 80, 78, 71, 1, 2, 3]);
  const attachment = await session.attachments.put(bytes, { mime: 'image/png' });
  const schema = { type: 'object', properties: { seen: { type: 'boolean' } }, required: ['seen'] };
  const parts = [
    { type: 'text', text: 'look' },
    { type: 'image', attachment },
  ] as const;
  const turn = session.turn({ parts }, { answer: { schema } });
  expect((await within(turn.result)).value).toEqual({ seen: true });
  expect(requests).toMatchObject([
    {
      sessionId: session.sessionId,
      messages: [{ role: 'user', parts: [parts[0], { type: 'image', mime: 'image/png', data: bytes }] }],
      answerSchema: schema,
    },
  ]);
  expect(requests[0]?.system).toContain('JSON');
  expect(requests[0]?.tools.map(({ name }) => name)).toContain('add');
});

test('a model of the page calls tools of the worker and of the page', async () => {
  const session = await (async () => {
    const client = await connect();
    await client.offerTools([
      { name: 'title', description: '', inputSchema: { type: 'object' }, execute: () => 'a title' },
    ]);
    await client.offerProvider(
      'page',
      provider(({ messages }) =>
        messages.at(-1)?.role === 'tool'
          ? yields(text('both done'), finish())
          : yields(
              { type: 'tool-call', callId: '1', tool: 'add', args: '{"a":1,"b":2}' },
              { type: 'tool-call', callId: '2', tool: 'title', args: '{}' },
              finish('tool-calls'),
            ),
      ),
    );
    return await client.createSession({ policy: paged });
  })();
  await within(session.turn('go').result);
  expect(answerOf(session)).toBe('both done');
  const outcomes = session
    .getSnapshot()
    .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));
  expect(outcomes).toEqual([
    { status: 'success', value: 3 },
    { status: 'success', value: 'a title' },
  ]);
});

test('[PR4][TU5] when the turn is stopped, the page is told, and the text so far stays, whether or not the model obeys', async () => {
  const { provider: offered, say, called } = dictated();
  const session = await sessionWith(offered);
  const turn = session.turn('hi');
  say(text('half'));
  const signal = await within(called);
  await shows(session, () => session.getSnapshot().turn?.text === 'half');
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
  expect(await within(turn.cancel('enough'))).toMatchObject({ status: 'cancelled' });
  await within(aborted);
  expect(signal.reason).toMatchObject({ code: 'Cancelled' });
  expect(answerOf(session)).toBe('half');
});

test('[PR3] an error of the page’s provider keeps code and data, and is final where it says so', async () => {
  const refusal = new LashError('ProviderRejected', 'not this one', { status: 400 });
  const session = await sessionWith(
    provider(async function* () {
      yield text('never mind');
      throw refusal;
    }),
  );
  const { status, error } = await within(session.turn('hi').result);
  expect(status).toBe('failed');
  expect(error).toMatchObject({ code: 'ProviderRejected', message: 'not this one', data: { status: 400 } });
  expect(answerOf(session)).toBe('');
});

test('[TU7] a failure that may pass is tried again, and what the attempt said is withdrawn', async () => {
  let calls = 0;
  const session = await sessionWith(
    provider(async function* () {
      calls++;
      yield text(`attempt ${calls}`);
      if (calls === 1) throw new LashError('ProviderUnavailable', 'busy', { retryAfterMs: 1 });
      yield finish();
    }),
  );
  await within(session.turn('hi').result);
  expect(calls).toBe(2);
  expect(answerOf(session)).toBe('attempt 2');
});

const cyclic: Record<string, unknown> = { type: 'text-delta', text: 'x' };
cyclic['self'] = cyclic;

test.each<[string, (request: ModelRequest) => unknown, string]>([
  ['yields a number', () => yields(text('a'), 42), 'ProviderStreamInvalid'],
  ['yields nothing in particular', () => yields(undefined), 'ProviderStreamInvalid'],
  ['yields null', () => yields(null, finish()), 'ProviderStreamInvalid'],
  ['yields a function', () => yields(() => 1), 'ProviderStreamInvalid'],
  ['yields a cycle', () => yields(cyclic), 'ProviderStreamInvalid'],
  ['yields an unknown event', () => yields({ type: 'audio', data: '' }), 'ProviderStreamInvalid'],
  ['yields text that is none', () => yields({ type: 'text-delta', text: 7 }), 'ProviderStreamInvalid'],
  [
    'counts half a token',
    () => yields({ ...finish(), usage: { ...USAGE, inputTokens: 0.5 } }),
    'ProviderStreamInvalid',
  ],
  ['gives no stream', () => undefined, 'Internal'],
  ['gives a stream of another kind', () => [text('a')], 'Internal'],
  [
    'throws before there is a stream',
    () => {
      throw new TypeError('no');
    },
    'Internal',
  ],
  [
    'throws what is no error',
    async function* () {
      yield* yields(text('a'));
      // oxlint-disable-next-line typescript/only-throw-error -- the rule is what this is about
      throw 'a string';
    },
    'Internal',
  ],
  [
    'throws an error that cannot be sent',
    async function* () {
      yield* yields(text('a'));
      throw new LashError('ProviderRejected', 'odd', { status: (() => 1) as never });
    },
    'Internal',
  ],
])('a provider of the page that %s fails its turn, and the session goes on', async (_what, answer, code) => {
  let isBroken = true;
  const session = await sessionWith(
    provider((request) => (isBroken ? answer(request) : yields(text('fine'), finish()))),
  );
  const { status, error } = await within(session.turn('hi').result);
  expect([status, error?.code]).toEqual(['failed', code]);
  isBroken = false;
  expect((await within(session.turn('again').result)).status).toBe('completed');
  expect(answerOf(session)).toBe('fine');
});

test('[PR2] an answer of the page’s model that ends without a finish has broken off, and is asked for again', async () => {
  const session = await sessionWith(provider(() => yields(text('half'))));
  const turn = session.turn('hi');
  await shows(session, () => session.getSnapshot().turn?.retry?.attempt === 2);
  expect(session.getSnapshot().turn?.retry).toMatchObject({ error: { code: 'ProviderStreamInterrupted' } });
  expect(await within(turn.cancel())).toMatchObject({ status: 'cancelled' });
});

test('what a provider of the page says behind its finish is dropped', async () => {
  const session = await sessionWith(provider(() => yields(text('a'), finish(), text('b'), finish(), 42)));
  expect((await within(session.turn('hi').result)).status).toBe('completed');
  expect(answerOf(session)).toBe('a');
});

test('a model of the page that never ends is stopped, and stands still while the worker is busy', async () => {
  let written = 0;
  const client = await connect();
  await client.offerProvider(
    'page',
    provider(async function* () {
      for (;;) {
        written++;
        yield text('x');
      }
    }),
  );
  const session = await client.createSession({ policy: paged });
  const other = await client.createSession({ policy });
  const turn = session.turn('hi');
  await shows(session, () => session.getSnapshot().turn?.text !== '');
  const spun = other.turn('call spin {"ms":4000}');
  let [stood, before] = [0, 0];
  const isOver = spun.result.then(() => true);
  while (!(await Promise.race([isOver, new Promise((resolve) => setTimeout(resolve, 10))]))) {
    stood = written === before ? stood + 1 : 0;
    before = written;
    if (stood > 10) break;
  }
  expect(stood).toBeGreaterThan(10);
  expect(await within(turn.cancel())).toMatchObject({ status: 'cancelled' });
  const end = written;
  await spun.result;
  expect(written).toBe(end);
});

test('one provider of the page answers several sessions at the same time', async () => {
  const client = await connect();
  await client.offerProvider(
    'page',
    provider(({ sessionId }) => yields(text('I am '), text(sessionId), finish())),
  );
  const ids = ['one', 'two', 'three'];
  const sessions = await Promise.all(ids.map((id) => client.createSession({ id, policy: paged })));
  await within(Promise.all(sessions.map((session) => session.turn('who are you?').result)));
  expect(sessions.map(answerOf)).toEqual(ids.map((id) => `I am ${id}`));
});
