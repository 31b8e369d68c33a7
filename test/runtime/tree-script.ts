import * as z from 'zod/mini';

import { definePlugin, type Plugin } from '../../src/contract/plugin.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { SessionTasks } from '../../src/contract/task.ts';
import type { Tool, ToolContext } from '../../src/contract/tool.ts';
import { isLashError } from '../../src/core/error.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import { type BackgroundTaskRecord, hasEnded } from '../../src/core/task.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import type { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { call, finish, policy, questionIn, text, toolNamed } from './support.ts';

/** One thing that the turn of the script does. */
export interface Step {
  readonly name: string;
  readonly tool: (context: ToolContext) => Promise<string>;
}

/** What the turn of the script does, one call after the other: whoever has something else that a turn can use adds it here. */
export const STEPS: readonly Step[] = [
  { name: 'look', tool: async () => await Promise.resolve('seen') },
  {
    name: 'delegate',
    tool: async ({ sessions }) => {
      const child = await sessions.open({ key: 'one', source: 'helper', tools: ['look', 'dig'] });
      return (await child.turn('middle')).text;
    },
  },
  {
    name: 'watch',
    tool: async ({ tasks }) => {
      if (tasks === null) throw new Error('there is no host for tasks');
      const id = 'watched';
      await tasks.start({ id, name: 'count' }).catch((error: unknown) => {
        if (!isLashError(error, 'TaskExists')) throw error;
      });
      const { state } = await ended(tasks, id);
      return state;
    },
  },
];

/** The task once it is over, whoever runs it. */
async function ended(tasks: SessionTasks, id: string): Promise<BackgroundTaskRecord> {
  for (;;) {
    const task = await tasks.get(id);
    if (hasEnded(task)) return task;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** What only children use. */
const OTHERS: readonly Step[] = [
  {
    name: 'dig',
    tool: async ({ sessions }) => {
      const child = await sessions.open({ key: 'one', source: 'digger', tools: ['look'] });
      return (await child.turn('deep')).text;
    },
  },
];

/** What each session calls, one after the other, before it says that it is done. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  go: STEPS.map(({ name }) => name),
  middle: ['look', 'dig'],
  deep: ['look'],
};

/** How many model calls each source makes in a whole turn. */
export const MODEL_CALLS: Readonly<Record<string, number>> = {
  turn: STEPS.length + 1,
  helper: 3,
  digger: 2,
};

/** What the script has in its environment: a plugin that counts steps, and a kind of task. */
export const TREE_PLUGIN: Plugin = definePlugin({
  id: 'steps',
  version: 1,
  state: { schema: z.number(), initial: 0 },
  hooks: {
    afterStep: (_, { state }) => state.set(state.get() + 1),
    backgroundTasks: [
      { name: 'count', policies: { lost: 'resume', close: 'pause' }, maxAttempts: 9, run: () => 'counted' },
    ],
  },
});

/** Opens the session of the script in one tab. What the model does depends on what it is shown. */
export async function openTree(environment: RuntimeEnvironment): Promise<LashRuntime> {
  return await LashRuntime.open(environment, {
    sessionId: 's',
    mode: 'openOrCreate',
    policy,
    providers: { fake: model },
    tools,
  });
}

const tools: readonly Tool[] = [...STEPS, ...OTHERS].map(({ name, tool }) =>
  toolNamed(name, { replay: 'safe', execute: async (_, context) => await tool(context) }),
);

const model: Provider = {
  model: 'fake-1',
  maxContextTokens: 100_000,
  async *stream(request): AsyncIterable<ModelEvent> {
    await Promise.resolve();
    const results = request.messages.flatMap(({ role, parts }) => (role === 'tool' ? parts : [])).length;
    const question = questionIn(request);
    const next = CALLS[question]?.[results];
    if (next === undefined) {
      yield text(`${question} is done`);
      yield finish();
      return;
    }
    yield call(`${results}`, next, '{}');
    yield finish('tool-calls');
  },
};
