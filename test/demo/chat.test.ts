import { describe, expect, test } from 'vitest';

import type { SessionClient } from '../../src/client/session.ts';
import type { TurnActivity } from '../../src/core/event.ts';
import type { Message } from '../../src/core/message.ts';
import type { SessionNode } from '../../src/core/node.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import type { SessionView } from '../../src/core/view.ts';
import { Chat } from '../../src/demo/app/chat.ts';
import { Draft } from '../../src/demo/app/draft.ts';
import { transcriptOf } from '../../src/demo/app/transcript.ts';

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

/** A chat whose session holds `message`, and whose next turn tells of `activity`. */
function chatWith(
  message: Message,
  activity: readonly TurnActivity[] = [],
): { chat: Chat; view: SessionView } {
  const node: SessionNode = { id: 'n', parentId: 'p', createdAt: 0, body: { kind: 'conversation', message } };
  const view: SessionView = {
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
  };
  const session = {
    sessionId: 's',
    getSnapshot: () => view,
    subscribe: () => () => undefined,
    attachments: {
      get: (id: string) =>
        id === 'whole' ? Promise.resolve(new Blob([WHOLE])) : Promise.reject(new Error(id)),
    },
    showNewest: () => Promise.resolve(),
    turn: () => ({
      accepted: Promise.resolve(),
      result: Promise.resolve({
        status: 'completed',
        reason: 'assistant_message',
        leaf: 'n',
        usage: NO_USAGE,
      }),
      async *[Symbol.asyncIterator]() {
        yield* activity;
      },
    }),
  };
  const chat = new Chat(session as unknown as SessionClient, new Draft(), () => undefined);
  return { chat, view };
}

describe('a message that was too long to be stored in one piece', () => {
  test('is edited as a whole', async () => {
    const { chat, view } = chatWith(LONG);
    const [shown] = transcriptOf(view).messages;
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
    const [shown] = transcriptOf(view).messages;
    await expect(chat.edit(shown!)).rejects.toThrow('lost');
    expect([chat.draft.text, chat.draft.editing]).toEqual(['typed', null]);
  });
});

describe('a turn', () => {
  const warning = (message: string): TurnActivity => ({ type: 'warning', turnId: 't', message });

  test('shows its warnings, until the next one begins', async () => {
    const activity = [warning('a'), warning('b')];
    const { chat } = chatWith({ role: 'user', parts: [] }, activity);
    await chat.continue();
    expect(chat.warnings).toEqual(['a', 'b']);
    activity.length = 0;
    await chat.continue();
    expect(chat.warnings).toEqual([]);
  });

  test('counts its tokens', async () => {
    const usage = { ...NO_USAGE, inputTokens: 5, outputTokens: 2 };
    const counted: TurnActivity = { type: 'usage-counted', turnId: 't', step: 1, usage, cumulative: usage };
    const { chat } = chatWith({ role: 'user', parts: [] }, [counted, counted]);
    await chat.continue();
    expect(chat.turnTokens).toBe(14);
  });
});
