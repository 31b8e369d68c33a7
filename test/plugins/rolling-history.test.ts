import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { LashError } from '../../src/core/error.ts';
import { utf8Length } from '../../src/core/json.ts';
import { rollingHistory } from '../../src/plugins/rolling-history.ts';
import { fakeSessions } from './fake-sessions.ts';
import { tokensOf, unpaired } from './random-path.ts';
import { RollingSession, tokens, wordsOf } from './rolling-session.ts';

/** A text of about so many tokens, without those that every message has. */
const long = (name: string, count: number): string => name.padEnd(4 * count, '.');
const SUMMARY = '[Summary of the conversation before this point]';

describe('what rollingHistory shows the model', () => {
  it('is all of a short session, as it is', async () => {
    const session = new RollingSession(1000);
    session.path.user('one');
    session.path.step('a result');
    expect(await session.view()).toEqual(session.path.nodes);
    expect(await session.endTurn()).toEqual([]);
  });

  it('leaves old results out first, from the oldest on, and keeps what is protected and recent', async () => {
    const session = new RollingSession(2000, { protectedToolTokens: 300, summariseAt: 1 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      session.path.user(name);
      session.path.step(long(`of ${name}`, 200));
      session.path.answer('done');
    }
    const words = wordsOf(await session.view());
    expect(words.filter((text) => text.startsWith('='))).toEqual([
      '= [cleared: the result of look]',
      '= [cleared: the result of look]',
      expect.stringMatching(/^= of c/),
      expect.stringMatching(/^= of d/),
      expect.stringMatching(/^= of e/),
    ]);
    expect(words).toHaveLength(session.path.nodes.length);
  });

  it('names images of old turns in their place, so that tools can still read them', async () => {
    const session = new RollingSession(4000, { recentTurns: 1 });
    session.path.user('look', true);
    session.path.answer('seen');
    session.path.user('and this', true);
    session.path.answer(long('seen', 2000));
    expect(wordsOf(await session.view())).toEqual([
      'look file',
      'seen',
      'and this image',
      expect.stringMatching(/^seen/),
    ]);
  });

  it('keeps the attachment of a result that it leaves out', async () => {
    const session = new RollingSession(1000, { recentTurns: 1, protectedToolTokens: 0 });
    const overflow = { id: 'o', mime: 'application/json', byteLength: 9_999_999 };
    session.path.user('old');
    session.path.step({ status: 'success', value: null, overflow });
    session.path.answer('done');
    session.path.user(long('new', 500));
    const [, , result] = await session.view();
    expect(result?.body).toMatchObject({
      invocation: { outcome: { value: '[cleared: the result of look]', attachments: [overflow] } },
    });
  });

  it('[15.1] of a turn that alone is too long is within the budget, with each call and its result', async () => {
    const session = new RollingSession(1500);
    session.path.user('a long job');
    for (let step = 0; step < 40; step++) {
      session.path.step(long(`first of ${step}`, 300), long(`second of ${step}`, 300));
      const view = await session.view();
      expect(tokens(view)).toBeLessThanOrEqual(1500);
      expect(unpaired(view, session.path.nodes)).toEqual([]);
      expect(wordsOf(view).at(0)).toBe('a long job');
      expect(wordsOf(view).slice(-2)).toEqual([
        expect.stringContaining(`first of ${step}`),
        expect.stringContaining(`second of ${step}`),
      ]);
    }
  });

  it('shows a part of each result of a step that alone is too long', async () => {
    const session = new RollingSession(1500);
    session.path.user('look around');
    session.path.step(...['a', 'b', 'c'].map((name) => long(name, 5000)));
    const view = await session.view();
    expect(tokens(view)).toBeLessThanOrEqual(1500);
    expect(JSON.stringify(view).match(/bytes truncated/g)).toHaveLength(3);
  });

  it('shows no images of a step that alone is too long, where that is what it takes', async () => {
    const session = new RollingSession(3000);
    const attachments = ['a', 'b', 'c'].map((id) => ({ id, mime: 'image/png', byteLength: 9 }));
    session.path.user('look around');
    session.path.step({ status: 'success', value: 'seen', attachments }, 'words');
    const view = await session.view();
    expect(tokens(view)).toBeLessThanOrEqual(3000);
    expect(view).toHaveLength(4);
    expect(JSON.stringify(view[2])).toContain('seen\\n[image omitted: image/png, attachment id a]');
    expect(view[3]).toEqual(session.path.nodes[3]);
  });
});

describe('the summary of rollingHistory', () => {
  /** Turns until there is a summary. */
  async function summarised(session: RollingSession): Promise<void> {
    for (let turn = 0; turn < 50; turn++)
      if ((await session.turn(long(`turn ${turn}`, 100))).length > 0) return;
    throw new Error('no summary was made');
  }

  it('is a node behind the answer, which says what it stands for and who made it', async () => {
    const session = new RollingSession(2000);
    await summarised(session);
    const before = session.path.nodes.slice(0, -1);
    expect(session.path.nodes.at(-1)?.body).toMatchObject({
      pluginType: 'rolling-history.summary',
      data: {
        version: 1,
        text: 'summary 1',
        covers: {
          from: before[0]?.id,
          to: expect.any(String) as string,
          beforeTurn: expect.any(Number) as number,
        },
        childSessionId: 'child-1',
      },
    });
    expect(session.sessions.requests).toEqual([
      { key: 'summary', source: 'compaction', title: 'Summary', tools: [] },
    ]);
  });

  it('stands for the old turns, and the newest ones follow it whole', async () => {
    const session = new RollingSession(2000);
    await summarised(session);
    session.path.user('next');
    const [summary, ...rest] = await session.view();
    expect(wordsOf(summary === undefined ? [] : [summary])).toEqual([`${SUMMARY}\nsummary 1`]);
    const visible = session.path.nodes.filter(({ body }) => body.kind !== 'plugin');
    expect(rest).toEqual(visible.slice(-rest.length));
    expect(rest.length).toBeLessThan(visible.length / 2);
    expect(rest[0]?.body).toMatchObject({ message: { role: 'user' } });
  });

  it('[flaw 3][15.1 a] is replaced by the next one, which is made with it and says what it said', async () => {
    const session = new RollingSession(
      2000,
      {},
      fakeSessions((asked, index) => `summary ${index + 1} of ${asked.length} characters`),
    );
    await summarised(session);
    await summarised(session);
    session.path.user('next');
    const texts = wordsOf(await session.view()).filter((text) => text.startsWith(SUMMARY));
    expect(texts).toEqual([expect.stringContaining('summary 2')]);
    const [first = '', second = ''] = session.sessions.asked;
    expect(first).not.toContain('<summary>');
    expect(second).toMatch(/<summary>\nsummary 1 of \d+ characters\n<\/summary>/);
    // Nothing is summarised twice, and nothing is left out between the two.
    const turnsIn = (text: string): readonly number[] =>
      Array.from(text.matchAll(/turn (\d+)\./g), ([, turn]) => Number(turn));
    expect(turnsIn(first)[0]).toBe(0);
    expect(turnsIn(second)[0]).toBe((turnsIn(first).at(-1) ?? 0) + 1);
  });

  it('[flaw 3][flaw 4][15.1 c][15.1 d] changes no node, and each is there as it was', async () => {
    const session = new RollingSession(2000);
    const rows: string[] = [];
    for (let turn = 0; turn < 60; turn++) {
      await session.turn(long(`turn ${turn}`, 100));
      rows.push(...session.path.nodes.slice(rows.length).map((node) => JSON.stringify(node)));
    }
    expect(session.sessions.asked.length).toBeGreaterThan(3);
    expect(session.path.nodes.map((node) => JSON.stringify(node))).toEqual(rows);
  });

  it('[15.1 b] begins a turn behind it: what came while a turn ran, and results of tools, do not', async () => {
    const session = new RollingSession(2000, { keepRecentTokens: 1 });
    for (let turn = 0; session.sessions.asked.length === 0; turn++) {
      session.path.user(`turn ${turn}`);
      session.path.step(long('a', 50));
      session.path.interject('by the way');
      session.path.step(long('b', 50));
      await session.view();
      await session.endTurn();
    }
    session.path.user('next');
    const view = await session.view();
    expect(view[1]?.body).toMatchObject({
      message: { role: 'user' },
      turnIndex: expect.any(Number) as number,
    });
    expect(unpaired(view, session.path.nodes)).toEqual([]);
  });

  it.each([
    ['[15.1 e] fails', new Error('no model today')],
    ['is blank', '  \n'],
  ])(
    'that %s harms nothing, leaves nobody behind, and is tried again after the next turn',
    async (_, answer) => {
      let answers: (string | Error)[] = [answer, answer];
      const session = new RollingSession(
        2000,
        {},
        fakeSessions(() => answers.shift() ?? 'at last'),
      );
      await expect(summarised(session)).rejects.toThrow('no summary was made');
      const { length } = session.path.nodes;
      session.path.answer('done');
      await expect(session.turn('again')).rejects.toThrow('no summary was made');
      session.path.answer('done');
      expect(session.path.nodes.slice(length).every(({ body }) => body.kind !== 'plugin')).toBe(true);
      expect([...session.sessions.kept]).toEqual([]);
      answers = [];
      expect(await session.turn('not now')).toEqual([]);
      session.path.answer('done');
      expect(await session.turn('and again')).toMatchObject([{ data: { text: 'at last' } }]);
    },
  );

  it('that fails again and again is tried more and more seldom, and after the next turn once one was made', async () => {
    let answer: string | Error = new Error('no model today');
    const session = new RollingSession(
      2000,
      {},
      fakeSessions(() => answer),
    );
    const tried: number[] = [];
    for (let turn = 0; turn < 24; turn++) {
      const before = session.sessions.asked.length;
      await (turn === 0 ? summarised(session) : session.turn(long('more', 300))).catch(() => undefined);
      session.path.answer('done');
      if (session.sessions.asked.length > before) tried.push(turn);
      if (turn === 17) answer = 'at last';
    }
    expect(tried.slice(0, 6)).toEqual([0, 1, 3, 7, 11, 15]);
    answer = new Error('no model again');
    const failures = session.sessions.asked.length;
    while (session.sessions.asked.length < failures + 2) {
      await session.turn(long('more', 300)).catch(() => tried.push(-1));
      session.path.answer('done');
    }
    expect(tried.slice(-2)).toEqual([-1, -1]);
  });

  it('[TU5] that somebody stopped has not failed: the next one is made after the next turn', async () => {
    const stopped = new LashError('Cancelled', 'enough', { reason: 'enough' });
    let says: string | Error = stopped;
    const session = new RollingSession(
      2000,
      {},
      fakeSessions(() => says),
    );
    session.signal = AbortSignal.abort(stopped);
    await expect(summarised(session)).rejects.toThrow('no summary was made');
    for (let turn = 0; turn < 3; turn++) {
      session.path.answer('done');
      await expect(session.turn('again')).rejects.toThrow('no summary was made');
    }
    says = 'at last';
    session.path.answer('done');
    expect(await session.turn('and again')).toMatchObject([{ data: { text: 'at last' } }]);
  });

  it('[TU5] is not made behind a turn that was stopped: whoever stopped it waits for its end', async () => {
    const session = new RollingSession(2000, { keepRecentTokens: 1 });
    session.path.user(long('a', 1000));
    session.path.answer('done');
    session.path.user(long('b', 1000));
    await session.view();
    expect(await session.endTurn('cancelled')).toEqual([]);
    expect(session.sessions.asked).toEqual([]);
    expect(await session.turn('c')).toHaveLength(1);
  });

  it('fits a node, whatever it is written in', async () => {
    const session = new RollingSession(
      400_000,
      {},
      fakeSessions(() => 'щ"'.repeat(50_000)),
    );
    for (const name of ['a', 'b', 'c', 'd']) {
      session.path.user(long(name, 100_000));
      session.path.answer('done');
    }
    const [node] = await session.turn('now');
    expect(utf8Length(JSON.stringify(node?.data))).toBeLessThan(64 * 1024);
    expect(JSON.stringify(node?.data).length).toBeGreaterThan(32 * 1024);
    expect(session.sessions.asked[0]).toMatch(/at most 7680 words/u);
  });

  it('is not made where there is no room for one: what it would stand for is not lost for it', async () => {
    const session = new RollingSession(600, { keepRecentTokens: 1 });
    for (let turn = 0; turn < 10; turn++) expect(await session.turn(long('a', 200))).toEqual([]);
    expect(session.sessions.asked).toEqual([]);
  });

  it('is told where the whole of a long message, and of long arguments, lies', async () => {
    const session = new RollingSession(2000, { keepRecentTokens: 1 });
    const overflow = { id: 'whole', mime: 'text/plain', byteLength: 999_999 };
    const message = { role: 'user', parts: [{ type: 'text', text: 'It begins', overflow }] } as const;
    session.path.add({ kind: 'conversation', message, turnId: 't1', turnIndex: 1 });
    const args = { type: 'tool-call', callId: 'c', tool: 'write', args: null, overflow } as const;
    session.path.add({ kind: 'conversation', message: { role: 'assistant', parts: [args] }, turnId: 't1' });
    session.path.answer('done');
    await session.turn('next');
    expect(session.sessions.asked[0]).toContain('It begins... (long: attachment whole)');
    expect(session.sessions.asked[0]).toContain('(calls write: long: attachment whole)');
  });

  it('is found behind a message that is longer than all that may be read, and the next one says what it said', async () => {
    const session = new RollingSession(2000);
    await summarised(session);
    const overflow = { id: 'whole', mime: 'text/plain', byteLength: 9_999_999 };
    const message = { role: 'user', parts: [{ type: 'text', text: 'It begins', overflow }] } as const;
    session.path.add({ kind: 'conversation', message, turnId: 'long', turnIndex: 1000 });
    session.path.answer('too long');
    session.path.user('next');
    expect(wordsOf(await session.view())[0]).toBe(`${SUMMARY}\nsummary 1`);
    expect(await session.endTurn()).toHaveLength(1);
    expect(session.sessions.asked[1]).toContain('<summary>\nsummary 1\n</summary>');
    expect(session.sessions.asked[1]).toContain('It begins... (long: attachment whole)');
  });

  it('belongs to its branch: from before it, the path is shown without', async () => {
    const session = new RollingSession(2000);
    await summarised(session);
    const length = session.path.nodes.findIndex(({ body }) => body.kind === 'plugin');
    session.path.goBack(length);
    session.path.user('another way');
    const words = wordsOf(await session.view());
    expect(words.filter((text) => text.startsWith(SUMMARY))).toEqual([]);
    expect(words).toHaveLength(session.path.nodes.length);
  });

  it('is found by whoever opens the session next', async () => {
    const session = new RollingSession(2000);
    await summarised(session);
    session.path.user('next');
    const here = await session.view();
    session.reopen();
    expect(await session.view()).toEqual(here);
  });

  it('keeps the children of the newest two, also where the session was opened again, and no other child goes', async () => {
    const session = new RollingSession(2000);
    const others = [
      { key: 'a', source: 'compaction', title: 'Mine' },
      { key: 'b', source: 'mine', title: 'Summary' },
    ];
    for (const other of others) await session.sessions.open(other);
    const kept: (readonly string[])[] = [];
    for (let opening = 0; opening < 3; opening++) {
      await summarised(session);
      kept.push([...session.sessions.kept]);
      session.reopen();
    }
    const own = [['child-3'], ['child-3', 'child-4'], ['child-4', 'child-5']];
    expect(kept).toEqual(own.map((children) => ['child-1', 'child-2', ...children]));
  });

  it('is stored also where the child before it cannot be deleted, which goes with the next one', async () => {
    const sessions = fakeSessions((_, index) => `summary ${index + 1}`);
    let isAway = true;
    const session = new RollingSession(
      2000,
      {},
      {
        ...sessions,
        delete: async (sessionId) => {
          if (isAway) throw new Error('storage is away');
          await sessions.delete(sessionId);
        },
      },
    );
    await summarised(session);
    await summarised(session);
    expect([...sessions.kept]).toEqual(['child-1', 'child-2']);
    isAway = false;
    await summarised(session);
    expect([...sessions.kept]).toEqual(['child-2', 'child-3']);
  });

  it('of a long history that had none begins with what may be read, and is not longer than its part', async () => {
    const session = new RollingSession(
      2000,
      {},
      fakeSessions(() => 'word '.repeat(2000)),
    );
    for (let turn = 0; turn < 3000; turn++) {
      session.path.user(long(`turn ${turn}`, 50));
      session.path.answer('done');
    }
    session.path.user('now');
    await session.view();
    expect(session.lastRead).toBeLessThan(200);
    const [node] = await session.endTurn();
    expect(session.lastRead).toBeLessThan(200);
    expect(session.sessions.asked[0]?.length).toBeLessThan(2000 * 4 * 0.75);
    expect(JSON.stringify(node?.data).length).toBeLessThan(2000 * 4 * 0.15);
  });

  it('takes no more than a request holds, and goes on after the next turn where that was not all', async () => {
    const session = new RollingSession(2000, { keepRecentTokens: 1 });
    for (let turn = 0; turn < 8; turn++) {
      session.path.user(long(`turn ${turn}`, 400));
      session.path.answer('done');
    }
    await session.turn('now');
    const [first] = session.sessions.asked;
    expect(first).toContain('turn 0.');
    expect(first).not.toContain('turn 3.');
    await session.turn('then');
    expect(session.sessions.asked[1]).toContain('turn 3.');
    expect(session.sessions.asked[1]).not.toContain('turn 0.');
  });

  it('is made as it is told', async () => {
    const policy = { provider: { id: 'fake', model: 'small' } };
    const session = new RollingSession(2000, { policy, instructions: 'Mind the colours.' });
    await summarised(session);
    expect(session.sessions.requests[0]).toMatchObject({ policy });
    expect(session.sessions.asked[0]).toContain('Mind the colours.');
  });

  it.each([
    { clearAt: 0 },
    { clearAt: 1.1 },
    { summariseAt: Number.NaN },
    { recentTurns: 0 },
    { keepRecentTokens: -1 },
    { maxContextTokens: Number.NaN },
  ])('refuses %o', (options) => {
    expect(() => rollingHistory(options)).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
  });
});

const BUDGET = 1500;
const size = fc.integer({ min: 1, max: 90 });
const commands = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('turn' as const), size }) },
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant('step' as const),
        sizes: fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('interject' as const), size }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('back' as const),
        part: fc.double({ min: 0.2, max: 1, noNaN: true }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  ),
  { minLength: 20, maxLength: 80 },
);

/** What holds of a view of any path. */
async function check(session: RollingSession): Promise<void> {
  const view = await session.view();
  const { nodes } = session.path;
  expect(unpaired(view, nodes)).toEqual([]);
  expect(tokens(view)).toBeLessThanOrEqual(BUDGET);
  const summaries = wordsOf(view).map((text) => text.startsWith(SUMMARY));
  expect(summaries.indexOf(true)).toBeLessThan(1);
  expect(summaries.filter(Boolean).length).toBeLessThan(2);
  // The newest summary on the path is the one, and nothing is shown that it stands for.
  const newest = nodes.findLast(({ body }) => body.kind === 'plugin');
  expect(view.some(({ id }) => id === newest?.id)).toBe(newest !== undefined);
  const data = newest?.body.kind === 'plugin' ? newest.body.data : null;
  const { covers } = (data ?? { covers: { to: null } }) as {
    readonly covers: { readonly to: string | null };
  };
  const covered = nodes.slice(0, nodes.findIndex(({ id }) => id === covers.to) + 1).map(({ id }) => id);
  expect(view.filter(({ id }) => covered.includes(id))).toEqual([]);
  // The newest turn is whole, where that is possible at all.
  const begin = nodes.findLastIndex(
    ({ body }) => body.kind === 'conversation' && body.turnIndex !== undefined,
  );
  const turn = nodes.slice(begin).filter(({ body }) => body.kind !== 'plugin');
  const front = view[0] === undefined || !summaries[0] ? 0 : tokensOf(view[0]);
  const isWhole = tokens(turn) + front <= BUDGET;
  expect(isWhole ? view.slice(-turn.length) : turn).toEqual(turn);
  // The same path is shown the same.
  expect(await session.view()).toEqual(view);
}

test('[TU2][flaw 3][15.1] on any path a view keeps calls and results together, and to its budget', async () => {
  let summaries = 0;
  await fc.assert(
    fc.asyncProperty(commands, async (program) => {
      const session = new RollingSession(BUDGET, { protectedToolTokens: 200 });
      session.path.user('begin');
      for (const command of program) {
        switch (command.kind) {
          case 'turn':
            await session.endTurn();
            session.path.user(long('go', command.size));
            break;
          case 'step':
            session.path.step(...command.sizes.map((count) => long('found', count)));
            break;
          case 'interject':
            session.path.interject(long('wait', command.size));
            break;
          case 'back':
            session.path.goBack(Math.ceil(session.path.nodes.length * command.part));
            session.path.user('another way');
            break;
          case 'reopen':
            session.reopen();
        }
        await check(session);
      }
      summaries += session.sessions.asked.length;
    }),
    { seed: 20_261_127, numRuns: 150 },
  );
  expect(summaries).toBeGreaterThan(300);
});
