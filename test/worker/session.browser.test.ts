import type { SessionClient, SessionView, TurnActivity } from 'lash-web';
import { messageText } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy, within } from './page.ts';

const texts = (view: SessionView): string[] =>
  view.window.nodes.flatMap(({ body }) =>
    body.kind === 'conversation' ? [`${body.message.role}: ${messageText(body.message)}`] : [body.kind],
  );

async function activityOf(turn: AsyncIterable<TurnActivity>): Promise<TurnActivity[]> {
  const activity: TurnActivity[] = [];
  for await (const one of turn) activity.push(one);
  return activity;
}

async function newSession(): Promise<SessionClient> {
  const client = await connect();
  return await client.createSession({ policy });
}

test('a turn streams to its handle and to the view, and ends with its result', async () => {
  const session = await newSession();
  const turn = session.turn('say one |two');
  const activity = await within(activityOf(turn));
  expect(activity[0]).toEqual({ type: 'turn-started', turnId: turn.turnId });
  expect(activity.map((one) => ('text' in one ? one.text : '')).join('')).toBe('one two');
  expect(activity.filter(({ type }) => type === 'turn-finished')).toHaveLength(1);
  const result = await turn.result;
  expect(result).toMatchObject({ status: 'completed', reason: 'assistant_message' });
  expect(activity.at(-1)).toEqual({ type: 'turn-finished', turnId: turn.turnId, result });
  const view = session.getSnapshot();
  expect(texts(view)).toEqual(['user: say one |two', 'assistant: one two']);
  expect(view.turn).toBeNull();
  expect(view.lastTurn).toEqual({ turnId: turn.turnId, result, warnings: [] });
});

test('a turn that is iterated late is seen from its beginning', async () => {
  const session = await newSession();
  const turn = session.turn('say a|b|c');
  await turn.result;
  const activity = await within(activityOf(turn));
  expect(activity[0]?.type).toBe('turn-started');
  expect(activity.at(-1)?.type).toBe('turn-finished');
});

test('a turn that failed resolves with its error, and its iteration does not throw', async () => {
  const session = await newSession();
  const turn = session.turn('fail on purpose');
  const activity = await within(activityOf(turn));
  expect(activity.at(-1)?.type).toBe('turn-finished');
  await turn.accepted;
  const result = await turn.result;
  expect(result.status).toBe('failed');
  expect(result.error).toBeDefined();
  expect(texts(session.getSnapshot())).toEqual(['user: fail on purpose']);
});

test('a turn that is not accepted rejects in all three ways, with its code', async () => {
  const session = await newSession();
  const running = session.turn('drip');
  await running.accepted;
  const refused = session.turn('say no');
  const error = await failure(refused.result, 'TurnRunning');
  expect(error.data).toMatchObject({ sessionId: session.sessionId, turnId: running.turnId });
  await failure(refused.accepted, 'TurnRunning');
  await failure(activityOf(refused), 'TurnRunning');
  await running.cancel();
});

test('when a call resolves, the view shows what it did', async () => {
  const session = await newSession();
  await session.rename('renamed');
  expect(session.getSnapshot().title).toBe('renamed');
  const turn = session.turn('drip');
  await turn.accepted;
  expect(texts(session.getSnapshot())).toEqual(['user: drip']);
  await turn.cancel();
  const { leaf } = session.getSnapshot().head;
  const appended = await session.appendSessionNodes({
    nodes: [{ kind: 'plugin', pluginType: 'note', data: 1 }],
  });
  expect(session.getSnapshot().head.leaf).toBe(appended.leaf);
  await session.branchToNode(leaf);
  expect(session.getSnapshot().head.leaf).toBe(leaf);
});

test('the snapshot keeps its identity while nothing changed, and listeners are called once per batch', async () => {
  const session = await newSession();
  const before = session.getSnapshot();
  expect(session.getSnapshot()).toBe(before);
  let calls = 0;
  let events = 0;
  const unsubscribe = session.subscribe(() => {
    calls++;
    expect(session.getSnapshot()).not.toBe(before);
  });
  for await (const _activity of session.turn('call add {"a":1,"b":2}')) events++;
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThan(events);
  unsubscribe();
  const seen = calls;
  await session.rename('again');
  expect(calls).toBe(seen);
});

test('[WB6] a turn is cancelled by its id', async () => {
  const session = await newSession();
  const turn = session.turn('drip');
  await turn.accepted;
  const result = await within(turn.cancel('enough'));
  expect(result).toMatchObject({ status: 'cancelled', reason: 'cancelled' });
  expect(texts(session.getSnapshot())[0]).toBe('user: drip');
  expect(await turn.cancel('again')).toEqual(result);
});

test('[WB6] the page’s AbortSignal cancels the turn, also before it began', async () => {
  const session = await newSession();
  const controller = new AbortController();
  const turn = session.turn('drip', { signal: controller.signal });
  await turn.accepted;
  controller.abort(new Error('the user left'));
  expect(await within(turn.result)).toMatchObject({ status: 'cancelled' });
  const never = session.turn('say x', { signal: controller.signal });
  expect((await failure(never.result, 'Cancelled')).data).toEqual({ reason: 'the user left' });
  expect(texts(session.getSnapshot())).toHaveLength(2);
});

test('an edited message makes a branch, and the view says so', async () => {
  const session = await newSession();
  await session.turn('say one').result;
  const [question, answer] = session.getSnapshot().window.nodes.map(({ id }) => id);
  await session.turn('say two', { from: null }).result;
  const view = session.getSnapshot();
  expect(texts(view)).toEqual(['user: say two', 'assistant: two']);
  const [edited = ''] = view.window.nodes.map(({ id }) => id);
  expect(view.branches[edited]?.siblings.map(({ nodeId }) => nodeId)).toEqual([question, edited]);
  expect(await session.branches([edited])).toMatchObject([
    { nodeId: edited, siblings: [{ tip: answer }, {}] },
  ]);
  expect(await session.branchToNode(answer ?? null)).toBe(answer);
  expect(texts(session.getSnapshot())).toEqual(['user: say one', 'assistant: one']);
  expect((await session.getHistoricNode(edited)).id).toBe(edited);
  await failure(session.getHistoricNode('nothing.0'), 'NodeNotFound');
});

test('older nodes are shown when they are asked for', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const session = await client.createSession({ policy });
  for (let index = 0; index < 6; index++) {
    const nodes = Array.from(
      { length: 50 },
      (_, n) => ({ kind: 'plugin', pluginType: 'n', data: index * 50 + n }) as const,
    );
    await session.appendSessionNodes({ nodes });
  }
  await session.close();
  const again = await client.openSession(session.sessionId);
  const { start, nodes } = again.getSnapshot().window;
  expect(start + nodes.length).toBe(300);
  expect(start).toBeGreaterThan(0);
  while (await again.showOlder(70));
  const { window } = again.getSnapshot();
  expect(window.start).toBe(0);
  expect(window.nodes.map(({ body }) => (body.kind === 'plugin' ? body.data : null))).toEqual(
    Array.from({ length: 300 }, (_, n) => n),
  );
  const page = await again.readView({ before: 100, limit: 10 });
  expect(page.window).toEqual({ start: 90, nodes: window.nodes.slice(90, 100) });
});

test('the policy can be changed, and what is not a policy is refused with its place', async () => {
  const session = await newSession();
  expect(session.policy).toEqual(policy);
  expect(await session.setPolicy({ maxSteps: 3 })).toEqual({ ...policy, maxSteps: 3 });
  expect(session.policy).toEqual({ ...policy, maxSteps: 3 });
  const error = await failure(session.setPolicy({ maxSteps: -1 }), 'InvalidInput');
  expect(error.data.path).toBe('setPolicy.patch.maxSteps');
  const wrong = { provider: { id: 'fake', model: 'fake', apiKey: 'sk' } } as never;
  expect((await failure(session.setPolicy(wrong), 'InvalidInput')).data.reason).toContain('apiKey');
});

test('usage counts the turns', async () => {
  const session = await newSession();
  await session.turn('say one').result;
  expect((await session.usage()).total).toMatchObject({ inputTokens: 10, outputTokens: 5 });
});
