import fc from 'fast-check';

import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { LashError } from '../../src/core/error.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import { call, finish, questionIn, text, toolNamed } from './support.ts';

/** What a session of the tree is asked to do: a task with parts gives each of them to a child, all at once. */
export interface Task {
  readonly leaf: 'answer' | 'fail' | 'hang' | 'wait';
  readonly parts: readonly Task[];
}

/** What happens to the tree while it works, one after the other. */
export type Action =
  | { readonly kind: 'stop' }
  | { readonly kind: 'stop-child'; readonly which: number }
  | { readonly kind: 'kill'; readonly write: number; readonly when: 'before' | 'after' }
  /** The tab dies, and whoever opens the session next stops the turn before anybody goes on with it. */
  | { readonly kind: 'die-and-stop' }
  | { readonly kind: 'take-over' };

const leaf: fc.Arbitrary<Task> = fc.record({
  leaf: fc.constantFrom('answer', 'answer', 'answer', 'fail', 'hang', 'wait'),
  parts: fc.constant([]),
});
const withParts = (part: fc.Arbitrary<Task>): fc.Arbitrary<Task> =>
  fc.record({ leaf: fc.constant('answer' as const), parts: fc.array(part, { minLength: 1, maxLength: 3 }) });

/** A tree of depth 3 at most: the root has parts, and these may have parts that are leaves. */
export const trees: fc.Arbitrary<Task> = withParts(
  fc.oneof(leaf, withParts(fc.oneof(leaf, withParts(leaf)))),
);

export const actions: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    fc.constant<Action>({ kind: 'stop' }),
    fc.record({ kind: fc.constant('stop-child' as const), which: fc.nat(8) }),
    fc.record({
      kind: fc.constant('kill' as const),
      write: fc.nat(40),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
    fc.constant<Action>({ kind: 'die-and-stop' }),
    fc.constant<Action>({ kind: 'take-over' }),
  ),
  { maxLength: 3 },
);

/** The tasks by their place: `0` is the root, `0.1` its second part. */
export function placesOf(task: Task, place = '0'): ReadonlyMap<string, Task> {
  const parts = task.parts.flatMap((part, at) => [...placesOf(part, `${place}.${at}`)]);
  return new Map([[place, task], ...parts]);
}

/** The model that does the tasks, and how many calls it finished for each. */
export function modelOf(
  tasks: ReadonlyMap<string, Task>,
): Provider & { readonly finished: Map<string, number> } {
  const finished = new Map<string, number>();
  return {
    model: 'fake-1',
    maxContextTokens: 100_000,
    finished,
    async *stream(request, signal): AsyncIterable<ModelEvent> {
      await Promise.resolve();
      const place = questionIn(request);
      const task = tasks.get(place);
      if (task === undefined) throw new Error(`nobody asks ${place}`);
      const hasResults = request.messages.some(({ role }) => role === 'tool');
      if (task.leaf === 'fail') throw new LashError('ProviderUnauthorized', 'no', { status: 401 });
      if (task.leaf === 'hang') await new Promise((_, reject) => signal.addEventListener('abort', reject));
      const parts = hasResults ? [] : task.parts;
      for (const at of parts.keys()) yield call(`${at}`, 'ask', JSON.stringify({ place: `${place}.${at}` }));
      const waits = task.leaf === 'wait' && !hasResults;
      if (waits) yield call('w', 'erase', '{}');
      if (parts.length === 0 && !waits) yield text(`${place} is done`);
      finished.set(place, (finished.get(place) ?? 0) + 1);
      yield finish(parts.length > 0 || waits ? 'tool-calls' : 'stop');
    },
  };
}

export const tools: readonly Tool[] = [
  toolNamed('ask', {
    replay: 'safe',
    execute: async (args, { sessions }) => {
      const { place } = args as { readonly place: string };
      const child = await sessions.open({
        key: place,
        title: place,
        source: 'part',
        tools: ['ask', 'erase'],
      });
      const { status } = await child.turn(place);
      return status;
    },
  }),
  toolNamed('erase', { approval: true }),
];

/** What is stored of one session of the tree. */
export interface StoredSession {
  readonly sessionId: string;
  readonly parent: string | null;
  readonly place: string;
  /** How its one turn ended. */
  readonly status: unknown;
  readonly pending: number;
  /** Model calls that its nodes carry, and those that its ledger counts: its own, and its children's. */
  readonly answers: number;
  readonly counted: { readonly own: number; readonly parts: number };
}

/** What each model call of the script uses. */
const INPUT_TOKENS = 10;

export async function storedSessions(factory: SessionStoreFactory): Promise<readonly StoredSession[]> {
  const { items } = await factory.list({ limit: 500 });
  const sessions = items.map(async ({ sessionId, title, parent }): Promise<StoredSession> => {
    const store = await factory.open(sessionId, { kind: 'open' });
    const { nodes, ledger } = await store.load({ kind: 'all' });
    const turn = await store.turns.find(parent === undefined ? 't' : 'task');
    const pending = await store.turns.pending();
    await store.close();
    const calls = (source: string): number =>
      ledger.reduce((sum, entry) => sum + (entry.source === source ? entry.usage.inputTokens : 0), 0) /
      INPUT_TOKENS;
    const used = nodes.map(({ body }) => (body.kind === 'conversation' ? (body.usage?.inputTokens ?? 0) : 0));
    return {
      sessionId,
      parent: parent?.sessionId ?? null,
      place: parent === undefined ? '0' : title,
      status: (turn?.result as { readonly status?: string } | null | undefined)?.status,
      pending: pending.length,
      answers: used.reduce((sum, tokens) => sum + tokens, 0) / INPUT_TOKENS,
      counted: { own: calls('turn'), parts: calls('part') },
    };
  });
  return await Promise.all(sessions);
}
