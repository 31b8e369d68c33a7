import * as z from 'zod/mini';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { StateDefinition } from '../../src/contract/plugin-state.ts';
import {
  definePlugin,
  type HookContext,
  type Plugin,
  type PluginDefinition,
  type PluginHooks,
} from '../../src/contract/plugin.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import { messageText } from '../../src/core/message.ts';
import type { ApprovalDecision } from '../../src/core/turn-wait.ts';
import type { RuntimeOptions, TurnOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import type { MortalTab } from './mortal.ts';
import { clockOfItsOwn, lastingAttachments } from './stores.ts';
import { call, finish, memoryEnvironment, type Play, plays, policy, text } from './support.ts';

export const done: Play = [text('done'), finish()];
export const asks = (...names: string[]): Play => [
  ...names.map((name, at) => call(`${at}`, name, '{"n":1}')),
  finish('tool-calls'),
];

/** The plugin `p`, which keeps nothing. */
export const plain = (hooks: PluginHooks<null>, more: Partial<PluginDefinition<null>> = {}): Plugin =>
  definePlugin({ id: 'p', version: 1, hooks, ...more });

const Count = z.strictObject({ count: z.number() });
export type Count = z.infer<typeof Count>;
export const countFromZero: StateDefinition<Count> = { schema: Count, initial: { count: 0 } };

/** The plugin `p`, which keeps a number. */
export const counts = (hooks: PluginHooks<Count>, more: Partial<PluginDefinition<Count>> = {}): Plugin =>
  definePlugin<Count>({ id: 'p', version: 1, state: countFromZero, hooks, ...more });

export const addOne = ({ state }: Pick<HookContext<Count>, 'state'>): void =>
  state.set({ count: state.get().count + 1 });

/** Hooks that count turns as they end; `seen` is what each of them found. */
export function turnCounter(): { readonly hooks: PluginHooks<Count>; readonly seen: number[] } {
  const seen: number[] = [];
  const hooks: PluginHooks<Count> = {
    beforeTurn: ({ state }) => void seen.push(state.get().count),
    afterTurn: (_, context) => addOne(context),
  };
  return { hooks, seen };
}

export const memory = (): InMemorySessionStoreFactory => new InMemorySessionStoreFactory();

/** Those of every session that {@link openTab} opens. */
export const attachments = lastingAttachments();

/** Opens the session `s` of `factory`, as a further tab does. */
export async function openTab(
  factory: SessionStoreFactory,
  provider: ReturnType<typeof plays>,
  plugins: readonly Plugin[],
  options: RuntimeOptions = {},
): Promise<LashRuntime> {
  return await LashRuntime.open(environmentWith(factory, plugins), {
    sessionId: 's',
    mode: 'openOrCreate',
    policy,
    clock: clockOfItsOwn(),
    providers: { fake: provider },
    ...options,
  });
}

/** Opens a session `s` that was there before, and so asks no plugin about its policy. */
export async function openStored(
  plugins: readonly Plugin[],
  options: RuntimeOptions = {},
): Promise<LashRuntime> {
  const factory = memory();
  await (await openTab(factory, plays(), [])).close();
  return await LashRuntime.open(environmentWith(factory, plugins), {
    sessionId: 's',
    clock: clockOfItsOwn(),
    ...options,
  });
}

function environmentWith(
  factory: SessionStoreFactory,
  plugins: readonly Plugin[],
): ReturnType<typeof memoryEnvironment> {
  return memoryEnvironment((builder) =>
    builder
      .withSessionStoreFactory(factory)
      .withAttachmentStore(attachments)
      .withPluginHost(new PluginHost(plugins)),
  );
}

/** What is stored of plugins where the session is: version and state of each. */
export async function storedStates(factory: SessionStoreFactory): Promise<Readonly<Record<string, unknown>>> {
  const store = await factory.open('s', { kind: 'open' });
  const { checkpoint } = await store.load({ kind: 'path', checkpoint: true });
  const components = Object.entries(checkpoint?.components ?? {});
  return Object.fromEntries(components.map(([name, { version, body }]) => [name, [version, body]]));
}

/** What a runtime tells from here on. */
export function eventsOf(runtime: LashRuntime): readonly SessionEvent[] {
  const events: SessionEvent[] = [];
  runtime.subscribe((event) => events.push(event));
  return events;
}

export const textsOf = (runtime: LashRuntime): readonly string[] =>
  runtime
    .view()
    .window.nodes.flatMap(({ body }) => (body.kind === 'conversation' ? [messageText(body.message)] : []));

/** Gives what must not happen some time to happen. */
export async function letRun(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The approval that the running turn waits for, once it does. */
export async function approvalOf(runtime: LashRuntime): Promise<{
  readonly args: unknown;
  readonly answer: (decision: ApprovalDecision) => Promise<unknown>;
}> {
  return await eventually(() => {
    const [wait] = runtime.view().turn?.waits ?? [];
    if (wait?.kind !== 'approval') throw new Error('nobody is asked');
    const { requestId, args } = wait;
    return { args, answer: async (decision) => await runtime.answer(requestId, decision) };
  });
}

/** Begins the turn `t`, and closes the session once it waits for an approval. */
export async function leaveAsking(runtime: LashRuntime, options: TurnOptions = {}): Promise<void> {
  runtime.turn('go', { inputId: 't', ...options }).result.catch(() => undefined);
  await eventually(async () => {
    const [pending] = await runtime.pendingTurns();
    if (pending?.status !== 'waiting') throw new Error('the turn does not wait');
  });
  await runtime.close();
}

/** A model that plays `first` until it has read so many results, and then answers. */
export function followsResults(results: number, first: Play): ReturnType<typeof plays> {
  return {
    ...plays(),
    async *stream({ messages }) {
      const read = messages.filter(({ role }) => role === 'tool').length;
      await Promise.resolve();
      for (const item of read < results ? first : done)
        if (typeof item === 'object' && 'type' in item) yield item;
    },
  };
}

/** `work`, or `null` if the tab dies before. */
export async function unlessDead<T>(mortal: MortalTab, work: Promise<T>): Promise<T | null> {
  const death = async (): Promise<null> => {
    while (!mortal.isDead()) await new Promise((resolve) => setTimeout(resolve, 1));
    return null;
  };
  return await Promise.race([work, death()]);
}
