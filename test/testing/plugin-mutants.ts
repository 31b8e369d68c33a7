import {
  type Mutant,
  type PluginConformanceContext,
  scriptedText,
  scriptedToolCalls,
} from 'lash-web/testing';
import * as z from 'zod/mini';

import type { PluginState } from '../../src/contract/plugin-state.ts';
import {
  definePlugin,
  type Plugin,
  type PluginDefinition,
  type PluginHooks,
} from '../../src/contract/plugin.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { PluginSubject } from './plugin-contexts.ts';

const Words = z.strictObject({ words: z.array(z.string()) });
type Words = z.infer<typeof Words>;
type State = PluginState<Words>;

/** Adds a word, unless it is there: however often it is done, it says the same. */
function add(state: State, word: string): void {
  state.set({ words: [...new Set([...state.get().words, word])].toSorted() });
}

function keepTool(keep: (word: string) => unknown, more: Partial<Tool> = {}): Tool {
  return {
    name: 'keep',
    description: 'Keeps a word.',
    inputSchema: { type: 'object', properties: { word: { type: 'string' } } },
    replay: 'safe',
    check: (args) => {
      const { success, data } = z.object({ word: z.string() }).safeParse(args);
      return success ? { ok: true, value: data.word } : { ok: false, path: '$.word', reason: 'must be text' };
    },
    execute: async (word) => {
      await keep(word as string);
      return 'kept';
    },
    ...more,
  };
}

/** A sound plugin: it keeps words, and tells the model which. */
function soundHooks(
  state: State,
  keep: (word: string) => unknown = (word) => add(state, word),
): PluginHooks<Words> {
  return {
    tools: [keepTool(keep)],
    prompt: () => [{ slot: 'guidance', content: `Kept: ${state.get().words.join(', ')}` }],
  };
}

/** What differs of a broken one: members of the plugin, and of its hooks. */
interface Change {
  readonly hooks?: (state: State) => PluginHooks<Words>;
  readonly plugin?: Partial<PluginDefinition<Words>>;
}

function words({ hooks = () => ({}), plugin = {} }: Change = {}): Plugin {
  return definePlugin<Words>({
    id: 'words',
    version: 2,
    state: {
      schema: Words,
      initial: { words: [] },
      migrate: (body) => ({ words: [JSON.stringify(body)] }),
    },
    build: ({ state }) => ({ ...soundHooks(state), ...hooks(state) }),
    ...plugin,
  });
}

/** The sound plugin, with a turn that makes it keep two words at the same time, and then a third. */
export function soundWords(plugin: () => Plugin = () => words()): PluginSubject {
  const keeping = (...kept: readonly string[]) =>
    scriptedToolCalls(kept.map((word) => ({ tool: 'keep', args: { word } })));
  return {
    plugin,
    exercise: {
      input: 'Keep them',
      calls: [keeping('slow', 'quick'), keeping('last'), scriptedText('They are kept.')],
    },
    older: [{ version: 1, body: 'old', becomes: { words: ['"old"'] } }],
  };
}

const mutant = (name: string, breaks: string, plugin: () => Plugin): Mutant<PluginConformanceContext> => ({
  name,
  breaks,
  make: (context) => ({ ...context, plugin }),
});

/** One whose hooks are others. */
const hooked = (
  name: string,
  breaks: string,
  hooks: (state: State) => PluginHooks<Words>,
): Mutant<PluginConformanceContext> => mutant(name, breaks, () => words({ hooks }));

const PC1 = 'PC1: it is built for each session at once, and sessions share nothing';
const PC2 = 'PC2: what it is made of is valid';
const PC3 = 'PC3: nothing that is written makes it throw';
const PC4 = 'PC4: it is the same for the same state and history';
const PC5 = 'PC5: a turn ends once, and the session goes on';
const PC6 = 'PC6: what it keeps lies in its state alone';
const PC7 = 'PC7: what another version stored is migrated, or refused';
const PC8 = 'PC8: once its session is closed it does nothing with it';

/** What a plugin remembers beside its state. */
function remembering(kept: string[]): (state: State) => PluginHooks<Words> {
  return () => ({
    tools: [keepTool((word) => void (kept.includes(word) || kept.push(word)))],
    prompt: () => [{ slot: 'guidance', content: `Kept: ${kept.toSorted().join(', ')}` }],
  });
}

const wait = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));

/** Plugins that are broken in one respect each. */
export const pluginMutants: readonly Mutant<PluginConformanceContext>[] = [
  mutant('builds later', PC1, () =>
    words({ plugin: { build: (async () => await Promise.resolve({})) as never } }),
  ),
  mutant('throws when it is built', PC1, () =>
    words({
      plugin: {
        build: () => {
          throw new Error('not today');
        },
      },
    }),
  ),
  mutant('shares what it keeps between sessions', PC1, () => {
    const kept: string[] = [];
    return words({ hooks: remembering(kept) });
  }),
  mutant('has another id each time', PC1, () => words({ plugin: { id: `words-${crypto.randomUUID()}` } })),
  hooked('misspells a hook', PC2, () => ({ beforTurn: () => undefined }) as PluginHooks<Words>),
  hooked('has a hook that is no function', PC2, () => ({ afterStep: 'later' }) as never),
  hooked('has an action that does not run', PC2, () => ({ actions: { clear: {} as never } })),
  mutant('has no id', PC2, () => words({ plugin: { id: '' } })),
  mutant('begins with what its schema refuses', PC2, () =>
    words({ plugin: { state: { schema: Words, initial: { words: [1] } as never } } }),
  ),
  mutant('begins with what is no JSON', PC2, () =>
    words({ plugin: { state: { schema: z.any(), initial: { at: new Date(0) } as never } } }),
  ),
  mutant('begins with more than 64 KiB', PC2, () =>
    words({ plugin: { state: { schema: Words, initial: { words: ['long'.repeat(20_000)] } } } }),
  ),
  mutant('has a schema that does not take what it made', PC2, () => {
    const safeParse = (value: unknown) => {
      const data = { words: [...(value as Words).words, 'more'] };
      return { success: true, data } as const;
    };
    return words({ plugin: { state: { schema: { safeParse }, initial: { words: [] } } } });
  }),
  mutant('has a schema that throws', PC2, () => {
    const safeParse = (value: unknown) => Words.safeParse((value as Words).words && value);
    return words({ plugin: { state: { schema: { safeParse }, initial: { words: [] } } } });
  }),
  hooked('has two tools of one name', PC2, () => ({ tools: [keepTool(() => null), keepTool(() => null)] })),
  hooked('has a tool whose name no provider takes', PC2, () => ({
    tools: [keepTool(() => null), keepTool(() => null, { name: 'keep it' })],
  })),
  hooked('has a tool without a schema', PC2, () => ({ tools: [keepTool(() => null, { inputSchema: {} })] })),
  hooked('has other tools from time to time', PC2, () => ({
    tools: [keepTool(() => null, { description: `Keeps a word: ${Math.random()}` })],
  })),
  hooked('has a tool whose check throws', PC3, (state) => ({
    tools: [
      keepTool((word) => add(state, word), {
        check: (args) => ({ ok: true, value: (args as { word: string }).word.trim() }),
      }),
    ],
  })),
  hooked('has a tool whose check changes every object', PC3, (state) => ({
    tools: [
      keepTool((word) => add(state, word), {
        check: (args) => {
          merge({}, args);
          return { ok: true, value: (args as { readonly word?: string } | null)?.word ?? '' };
        },
      }),
    ],
  })),
  hooked('has an action after which no turn is answered', PC3, (state) => ({
    actions: {
      act: {
        writes: true,
        run: () => {
          state.set({ words: ['acted'] });
          return null;
        },
      },
    },
    beforeTurn: () => (state.get().words.includes('acted') ? { abort: 'confused' } : undefined),
  })),
  hooked('has a prompt with a random part', PC4, () => ({
    prompt: () => [{ slot: 'guidance', content: String(Math.random()) }],
  })),
  hooked('says how often it was asked', PC4, () => {
    let asked = 0;
    return { prompt: () => [{ slot: 'guidance', content: `Asked ${++asked} times` }] };
  }),
  hooked('contributes what is no JSON', PC5, () => ({
    prompt: () => [{ slot: 'guidance', content: 'Now', title: new Date(0) as never }],
  })),
  hooked('fails when a turn ends', PC5, () => ({
    afterTurn: async () => await Promise.reject(new Error('oh')),
  })),
  hooked('fails when it hears of an event', PC5, () => ({
    onEvent: () => {
      throw new Error('oh');
    },
  })),
  hooked('stays busy once a call of it was stopped', PC5, (state) => {
    let isBusy = false;
    const execute: Tool['execute'] = async (word, { signal }) => {
      isBusy = true;
      await wait(5);
      signal.throwIfAborted();
      isBusy = false;
      add(state, word as string);
      return 'kept';
    };
    return {
      tools: [keepTool(() => null, { execute })],
      beforeTurn: () => (isBusy ? { abort: 'busy' } : undefined),
    };
  }),
  hooked('stays broken once a model call failed', PC5, () => {
    let hasFailed = false;
    return {
      afterTurn: ({ status }) => void (hasFailed ||= status === 'failed'),
      beforeTurn: () => (hasFailed ? { abort: 'broken' } : undefined),
    };
  }),
  hooked('remembers beside its state', PC6, (state) => remembering([])(state)),
  hooked('counts what may be done again', PC6, (state) => {
    const counted = async (word: string): Promise<void> => {
      state.set({ words: [...state.get().words, word].toSorted() });
      if (word === 'slow') await wait(5);
    };
    return { tools: [keepTool(counted)] };
  }),
  hooked('keeps what only this tab knows', PC6, (state) => {
    let turns = 0;
    return { afterTurn: () => add(state, `turn ${++turns}`) };
  }),
  mutant('drops what an older version stored', PC7, () =>
    words({ plugin: { state: { schema: Words, initial: { words: [] }, migrate: () => ({ words: [] }) } } }),
  ),
  mutant('cannot read what an older version stored', PC7, () =>
    words({ plugin: { state: { schema: Words, initial: { words: [] } } } }),
  ),
  mutant('takes whatever was stored', PC7, () =>
    words({
      plugin: {
        state: {
          schema: { safeParse: (data) => ({ success: true, data: data as Words }) },
          initial: { words: [] },
          migrate: (body) => body,
        },
      },
    }),
  ),
  hooked('goes on looking at a session that is closed', PC8, (state) => {
    const timer = setInterval(() => state.get(), 5);
    setTimeout(() => clearInterval(timer), 2000);
    return {};
  }),
  hooked('fails when it is disposed of', PC8, () => ({
    dispose: () => {
      throw new Error('not yet');
    },
  })),
];

/** What a careless deep copy does with `__proto__`. */
function merge(target: object, source: JsonValue): void {
  if (typeof source !== 'object' || source === null) return;
  for (const [key, value] of Object.entries(source)) {
    const inner: unknown = Reflect.get(target, key);
    if (typeof inner === 'object' && inner !== null) merge(inner, value as JsonValue);
    else Reflect.set(target, key, value);
  }
}
