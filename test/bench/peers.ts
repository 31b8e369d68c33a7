import { get, set } from 'idb-keyval';

import { IndexedDBStorageBackend } from '../../node_modules/@mariozechner/pi-web-ui/dist/storage/backends/indexeddb-storage-backend.js';
import { SessionsStore } from '../../node_modules/@mariozechner/pi-web-ui/dist/storage/stores/sessions-store.js';
import { text } from './content.ts';

/** Another library's way to store a conversation. */
export interface Peer {
  /** Adds a turn of four messages in memory. */
  addTurn(): void;
  /** Stores what is in memory. */
  save(): Promise<void>;
  /** Waits until the database has done everything. */
  settle(): Promise<unknown>;
}

/** How long the messages are that are there at first, in turn: questions and answers. */
export const PAST_CHARACTERS: readonly number[] = [300, 1500];

/** How long question, wish to call a tool, result and answer are, in characters. */
export const PEER_TURN = { question: 300, call: 100, result: 1200, answer: 1500 } as const;

const USAGE = {
  input: 900,
  output: 90,
  cacheRead: 9,
  cacheWrite: 0,
  totalTokens: 999,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
};

type Saved = Parameters<SessionsStore['save']>;

/** `SessionsStore` of pi-web-ui: the session's record and its metadata in one transaction. Four messages a turn. */
export function piPeer(messages: number): Peer {
  const sessions = new SessionsStore();
  const stores = [sessions.getConfig(), SessionsStore.getMetadataConfig()];
  sessions.setBackend(new IndexedDBStorageBackend({ dbName: 'pi', version: 1, stores }));
  const list: object[] = [];
  const assistant = (content: readonly object[], stopReason: string): object => {
    const model = { api: 'bench', provider: 'bench', model: 'bench' };
    return { role: 'assistant', content, ...model, usage: USAGE, stopReason, timestamp: 1_700_000_000_000 };
  };
  const addTurn = (): void => {
    const seed = list.length;
    const toolCallId = `call-${seed}`;
    const { question, call, result, answer } = PEER_TURN;
    const said = (length: number, part: number): object[] => [
      { type: 'text', text: text(length, seed + part) },
    ];
    const timestamp = 1_700_000_000_000;
    const args = { query: text(call, seed + 1) };
    list.push(
      { role: 'user', content: said(question, 0), timestamp },
      assistant([{ type: 'toolCall', id: toolCallId, name: 'search', arguments: args }], 'toolUse'),
      {
        role: 'toolResult',
        toolCallId,
        toolName: 'search',
        content: said(result, 2),
        isError: false,
        timestamp,
      },
      assistant(said(answer, 3), 'stop'),
    );
  };
  while (list.length < messages) {
    const [question = '', answer = ''] = pastTexts(list.length);
    const timestamp = 1_700_000_000_000;
    list.push({ role: 'user', content: [{ type: 'text', text: question }], timestamp });
    list.push(assistant([{ type: 'text', text: answer }], 'stop'));
  }
  const common = { id: 'session', title: 't', createdAt: '2026-01-01T00:00:00.000Z' };
  return {
    addTurn,
    save: async () => {
      const lastModified = new Date().toISOString();
      const model = { id: 'bench', provider: 'bench' };
      const data = { ...common, lastModified, model, thinkingLevel: 'off', messages: list };
      const metadata = {
        ...common,
        lastModified,
        messageCount: list.length,
        usage: USAGE,
        thinkingLevel: 'off',
      };
      await sessions.save(data as unknown as Saved[0], { ...metadata, preview: text(2048, 0) });
    },
    // Its `save` is over before its transaction is; the next one waits for that.
    settle: () => sessions.getMetadata('session'),
  };
}

/** The message array of the AI SDK, written by `idb-keyval`. Two messages a turn: the tool is a part of the answer. */
export function keyvalPeer(messages: number): Peer {
  const list: object[] = [];
  const addTurn = (): void => {
    const seed = list.length;
    const { question, call, result, answer } = PEER_TURN;
    const input = { query: text(call, seed + 1) };
    const output = text(result, seed + 2);
    list.push(
      { id: `message-${seed}`, role: 'user', parts: [{ type: 'text', text: text(question, seed) }] },
      {
        id: `message-${seed + 1}`,
        role: 'assistant',
        parts: [
          { type: 'step-start' },
          { type: 'tool-search', toolCallId: `call-${seed}`, state: 'output-available', input, output },
          { type: 'step-start' },
          { type: 'text', text: text(answer, seed + 3), state: 'done' },
        ],
      },
    );
  };
  while (list.length < messages) {
    const id = list.length;
    const [question = '', answer = ''] = pastTexts(id);
    list.push({ id: `message-${id}`, role: 'user', parts: [{ type: 'text', text: question }] });
    const parts = [{ type: 'step-start' }, { type: 'text', text: answer, state: 'done' }];
    list.push({ id: `message-${id + 1}`, role: 'assistant', parts });
  }
  return { addTurn, save: () => set('session', list), settle: () => get('other') };
}

function pastTexts(seed: number): readonly string[] {
  return PAST_CHARACTERS.map((length, index) => text(length, seed + index));
}
