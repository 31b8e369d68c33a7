import { describe, expect, test } from 'vitest';

import type { SessionClient } from '../../src/client/session.ts';
import { LashError } from '../../src/core/error.ts';
import type { SessionEvent, SessionWriter } from '../../src/core/event.ts';
import type { Message } from '../../src/core/message.ts';
import type { SessionNode } from '../../src/core/node.ts';
import type { PendingTurn } from '../../src/core/pending-turn.ts';
import type { TurnResult } from '../../src/core/turn-result.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { type EndedTurn, reduceView, type SessionView } from '../../src/core/view.ts';
import { Chat } from '../../src/demo/app/chat.ts';
import { Draft } from '../../src/demo/app/draft.ts';
import { transcriptOf } from '../../src/demo/app/transcript.ts';
import { turnTokens } from '../../src/demo/app/turn-tokens.ts';
import { runningTask } from './running-task.ts';

const WHOLE = 'all of it, '.repeat(10_000);
const LONG: Message = {
  role: 'user',
  parts: [
    { type: 'text', text: 'short' },
    {
      type: 'text',
      text: WHOLE.slice(0, 1024),
      overflow: { id: 'whole', mime: 'text/plain', byteLength: 110_000 },
    },
  ],
};

/** A session as the page sees it, and what it was asked for. */
function fakeSession(message: Message) {
  const node: SessionNode = { id: 'n', parentId: 'p', createdAt: 0, body: { kind: 'conversation', message } };
  let view: SessionView = {
    sessionId: 's',
    title: 'title',
    head: { revision: 1, leaf: 'n', usage: NO_USAGE, depth: 1, nodeCount: 1, bytes: 0 },
    window: { start: 0, nodes: [node] },
    branches: {},
    turn: null,
    queue: [],
    lastTurn: null,
    writer: 'nobody',
    damage: null,
    plugins: {},
    tasks: [],
  };
  let listener = (): void => undefined;
  const asked: unknown[] = [];
  const stopped: string[] = [];
  let accepted: Promise<void> = Promise.resolve();
  const session = {
    sessionId: 's',
    getSnapshot: () => view,
    subscribe: (told: () => void) => {
      listener = told;
      return () => undefined;
    },
    attachments: {
      get: (id: string) =>
        id === 'whole' ? Promise.resolve(new Blob([WHOLE])) : Promise.reject(new Error(id)),
    },
    showNewest: () => Promise.resolve(),
    turn: (input: unknown, request: unknown) => {
      asked.push([input, request]);
      return { accepted };
    },
    cancelTurn: (turnId: string) => {
      stopped.push(turnId);
      return Promise.resolve();
    },
    takeOver: () =>
      Promise.reject(new LashError('SessionHeldElsewhere', 'held', { sessionId: 's', turnId: 't' })),
    queue: { cancel: (turnId: string) => Promise.resolve(void stopped.push(turnId)) },
  };
  return {
    asked,
    stopped,
    session: session as unknown as SessionClient,
    view: () => view,
    /** What the next input comes to. */
    accepts: (outcome: Promise<void>): void => {
      accepted = outcome;
    },
    /** What happens in the session. */
    happens: (...events: readonly SessionEvent[]) => {
      view = events.reduce(reduceView, view);
      listener();
    },
  };
}

function chatWith(message: Message) {
  const fake = fakeSession(message);
  const ended: (EndedTurn | null)[] = [];
  const chat = new Chat(fake.session, new Draft(), (turn) => ended.push(turn));
  return { ...fake, chat, ended };
}

const SHORT: Message = { role: 'user', parts: [{ type: 'text', text: 'hi' }] };
const started = (turnId: string): SessionEvent => ({ type: 'turn-started', turnId });
const finished = (turnId: string, result: Partial<TurnResult> = {}): SessionEvent => ({
  type: 'turn-finished',
  turnId,
  result: { status: 'completed', reason: 'assistant_message', leaf: 'n', usage: NO_USAGE, ...result },
});
const queued = (turnId: string, text: string, inject = false): PendingTurn => ({
  turnId,
  status: 'queued',
  waits: [],
  input: { parts: [{ type: 'text', text }] },
  inject,
});

describe('a message that was too long to be stored in one piece', () => {
  test('is edited as a whole', async () => {
    const { chat, view } = chatWith(LONG);
    const [shown] = transcriptOf(view()).messages;
    await chat.edit(shown!);
    expect(chat.draft.text).toBe(`short\n\n${WHOLE}`);
    expect(chat.draft.editing).toMatchObject({ nodeId: 'n', from: 'p' });
    expect(chat.draft.parts()).toEqual([{ type: 'text', text: `short\n\n${WHOLE}`.trim() }]);
  });

  test('is copied as a whole, and without a reference to the store', async () => {
    expect(await chatWith(LONG).chat.whole(LONG)).toEqual({
      role: 'user',
      parts: [
        { type: 'text', text: 'short' },
        { type: 'text', text: WHOLE },
      ],
    });
  });

  test('leaves the composer as it is when its rest cannot be read', async () => {
    const lost: Message = {
      role: 'user',
      parts: [{ type: 'text', text: 'a', overflow: { id: 'lost', mime: 'text/plain', byteLength: 1 } }],
    };
    const { chat, view } = chatWith(lost);
    chat.draft.text = 'typed';
    const [shown] = transcriptOf(view()).messages;
    await expect(chat.edit(shown!)).rejects.toThrow('lost');
    expect([chat.draft.text, chat.draft.editing]).toEqual(['typed', null]);
  });
});

describe('what is sent', () => {
  test('is the next turn, or is read by the one that runs, and leaves the composer once it is stored', async () => {
    const { chat, asked } = chatWith(SHORT);
    for (const whenRunning of ['queue', 'inject'] as const) {
      chat.draft.text = whenRunning;
      await chat.send(whenRunning);
      expect(asked.at(-1)).toMatchObject([{ parts: [{ text: whenRunning }] }, { whenRunning }]);
      expect(chat.draft.text).toBe('');
    }
  });

  test('is sent once, however often it is asked for, and stays where it was not taken', async () => {
    const { chat, asked, accepts } = chatWith(SHORT);
    chat.draft.text = 'once';
    accepts(Promise.reject(new Error('refused')));
    const first = chat.send('queue');
    await chat.send('queue');
    await expect(first).rejects.toThrow('refused');
    expect(asked).toHaveLength(1);
    expect([chat.draft.text, chat.sending]).toEqual(['once', false]);
  });

  test('waits for the running turn when it is a message that is written anew', async () => {
    const { chat, asked, happens, view } = chatWith(SHORT);
    await chat.edit(transcriptOf(view()).messages[0]!);
    happens(started('t'));
    await chat.send('queue');
    expect([chat.canSend, asked]).toEqual([false, []]);
    happens(finished('t'));
    await chat.send('queue');
    expect(asked).toMatchObject([[{}, { from: 'p' }]]);
  });

  test('comes back from the queue into an empty composer, and over nothing that stands there', async () => {
    const { chat, stopped } = chatWith(SHORT);
    await chat.takeBack(queued('a', 'first'));
    expect(chat.draft.text).toBe('first');
    await chat.takeBack(queued('b', 'second'));
    expect([chat.draft.text, stopped]).toEqual(['first', ['a', 'b']]);
  });
});

describe('a turn, whoever asked for it', () => {
  test('shows its warnings, until the next one begins', () => {
    const { chat, happens } = chatWith(SHORT);
    happens(started('t'), { type: 'warning', turnId: 't', message: 'a' });
    expect(chat.warnings).toEqual(['a']);
    happens({ type: 'warning', turnId: 't', message: 'b' }, finished('t'));
    expect(chat.warnings).toEqual(['a', 'b']);
    happens(started('u'));
    expect(chat.warnings).toEqual([]);
  });

  test('can be stopped, and is told once when it has ended', async () => {
    const { chat, happens, stopped, ended } = chatWith(SHORT);
    happens(started('t'));
    expect(chat.stoppable).toBe(true);
    await chat.stop();
    expect(stopped).toEqual(['t']);
    happens(finished('t', { status: 'cancelled' }));
    happens({ type: 'title-changed', title: 'new' });
    expect(ended.filter((turn) => turn !== null)).toMatchObject([{ turnId: 't' }]);
    expect(chat.unfinished).toBe(false);
  });

  test('leaves something to be answered as long as messages wait', () => {
    const { chat, happens } = chatWith(SHORT);
    happens({ type: 'queue-changed', queue: [queued('a', 'first')] });
    expect([chat.stoppable, chat.unfinished]).toEqual([false, true]);
  });
});

describe('a turn of another tab', () => {
  const writer = (name: SessionWriter): SessionEvent => ({ type: 'writer-changed', writer: name });
  const call = (callId: string): SessionEvent => ({
    type: 'tool-started',
    turnId: 't',
    callId,
    tool: 'saw',
    args: {},
  });
  const waiting = (...waits: readonly TurnWait[]): SessionEvent => ({
    type: 'turn-waiting',
    turnId: 't',
    waits,
  });
  const approval: TurnWait = { kind: 'approval', requestId: 'r', callId: 'a', tool: 'saw', args: {} };

  test('runs there until it has ended, though that tab may still write for a while', () => {
    const { chat, happens } = chatWith(SHORT);
    expect(chat.runsElsewhere).toBe(false);
    happens(writer('elsewhere'));
    expect(chat.runsElsewhere).toBe(false);
    happens(started('t'));
    expect(chat.runsElsewhere).toBe(true);
    happens(finished('t'));
    expect(chat.runsElsewhere).toBe(false);
    happens(started('u'), writer('here'));
    expect(chat.runsElsewhere).toBe(false);
  });

  test('runs nowhere while all that is left of it waits for somebody', () => {
    const { chat, happens } = chatWith(SHORT);
    happens(writer('elsewhere'), started('t'), call('a'), call('b'), waiting(approval));
    expect(chat.runsElsewhere).toBe(true);
    happens({
      type: 'tool-completed',
      turnId: 't',
      callId: 'b',
      tool: 'saw',
      outcome: { status: 'success', value: 1 },
      durationMs: 1,
    });
    expect(chat.runsElsewhere).toBe(false);
    happens(waiting());
    expect(chat.runsElsewhere).toBe(true);
    happens(waiting({ kind: 'storage', code: 'StorageFull' }));
    expect(chat.runsElsewhere).toBe(true);
  });

  test('is why this tab was refused only until it ends, and is told once: it is no error besides', async () => {
    const { chat, happens } = chatWith(SHORT);
    happens(writer('elsewhere'), started('t'));
    await chat.takeOver(false);
    expect(chat.refused).toEqual({ sessionId: 's', turnId: 't' });
    happens(finished('t'), started('u'));
    expect(chat.refused).toBeNull();
  });

  test('is not what every failure to take over comes from', async () => {
    const { chat, session } = chatWith(SHORT);
    session.takeOver = () => Promise.reject(new LashError('WorkerLost', 'gone', {}));
    await expect(chat.takeOver(false)).rejects.toMatchObject({ code: 'WorkerLost' });
    expect(chat.refused).toBeNull();
  });
});

describe('what a screen reader is told', () => {
  test('that an answer began and how it ended', () => {
    const { chat, happens } = chatWith({ role: 'assistant', parts: [{ type: 'text', text: 'it  is\n42' }] });
    happens(started('t'));
    expect(chat.announcement).toBe('The model is answering.');
    happens(finished('t'));
    expect(chat.announcement).toBe('it is 42');
    happens(started('u'), finished('u', { status: 'failed' }));
    expect(chat.announcement).toBe('The answer failed.');
  });

  test('that a task ended, also where an answer ends in the same moment', () => {
    const { chat, happens } = chatWith({ role: 'assistant', parts: [{ type: 'text', text: 'it is 42' }] });
    happens(started('t'), { type: 'task-changed', task: runningTask('a') });
    const over = runningTask('a', { state: 'completed', completedAt: 2 });
    happens(finished('t'), { type: 'task-changed', task: over });
    expect(chat.announcement).toBe('it is 42 Work a: done.');
  });

  test('what becomes of messages that wait', () => {
    const { chat, happens } = chatWith(SHORT);
    const queue = (...items: readonly PendingTurn[]): SessionEvent => ({
      type: 'queue-changed',
      queue: items,
    });
    happens(started('t'));
    happens(queue(queued('a', 'first')));
    expect(chat.announcement).toContain('answered after this answer');
    happens(queue(queued('a', 'first'), queued('b', 'second', true)));
    expect(chat.announcement).toContain('to be read in this answer');
    const message: Message = { role: 'user', parts: [{ type: 'text', text: 'second' }] };
    const node: SessionNode = {
      id: 'm',
      parentId: 'n',
      createdAt: 1,
      body: { kind: 'conversation', message, turnId: 'b' },
    };
    const head = { revision: 2, leaf: 'm', usage: NO_USAGE, depth: 2, nodeCount: 2, bytes: 0 };
    happens({ type: 'nodes-committed', head, nodes: [node] }, queue(queued('a', 'first')));
    expect(chat.announcement).toBe('The model reads the message now.');
    happens(queue());
    expect(chat.announcement).toBe('The message was taken back.');
  });
});

test('the tokens of a turn are those of its messages, in any tab', () => {
  const usage = { ...NO_USAGE, inputTokens: 5, outputTokens: 2 };
  const answer = (turnId: string): SessionNode => ({
    id: turnId,
    parentId: null,
    createdAt: 0,
    body: { kind: 'conversation', message: { role: 'assistant', parts: [] }, turnId, usage },
  });
  const { view } = fakeSession(SHORT);
  const nodes = [answer('t'), answer('u'), answer('u')];
  const shown = { ...view(), window: { start: 0, nodes } };
  expect(turnTokens(shown)).toBe(14);
  expect(turnTokens(reduceView(shown, started('v')))).toBe(0);
});
