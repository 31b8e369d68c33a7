import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { StateDefinition } from '../../src/contract/plugin-state.ts';
import { definePlugin, type HookContext, type Plugin } from '../../src/contract/plugin.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { eventually } from '../support/eventually.ts';
import { type Death, mortalTab } from './mortal.ts';
import {
  addOne,
  asks,
  type Count,
  countFromZero,
  counts,
  done,
  followsResults,
  memory,
  openTab,
  storedStates,
  unlessDead,
} from './plugin-support.ts';
import { openWith, plays, toolNamed } from './support.ts';

type Context = HookContext<Count>;

/** Counts its turns, in `afterTurn` or where `when` says; `seen` is what each turn found. */
function counter(
  more: { readonly state?: StateDefinition<Count>; readonly version?: number; readonly id?: string } = {},
): { readonly plugin: Plugin; readonly seen: number[] } {
  const seen: number[] = [];
  const { id = 'counter', version = 1, state = countFromZero } = more;
  const plugin = definePlugin<Count>({
    id,
    version,
    state,
    hooks: {
      beforeTurn: ({ state: kept }) => void seen.push(kept.get().count),
      afterTurn: (_, { state: kept }) => kept.set({ count: kept.get().count + 1 }),
    },
  });
  return { plugin, seen };
}

describe('the state of a plugin', () => {
  it('[PS1] begins as it says, goes on from turn to turn, and is there when the session is opened again', async () => {
    const factory = new InMemorySessionStoreFactory();
    const first = counter();
    const runtime = await openTab(factory, plays(done, done), [first.plugin]);
    await runtime.turn('a').result;
    await runtime.turn('b').result;
    await runtime.close();
    const second = counter();
    await (await openTab(factory, plays(done), [second.plugin])).turn('c').result;
    expect([first.seen, second.seen]).toEqual([[0, 1], [2]]);
    expect(await storedStates(factory)).toEqual({ 'plugin:counter': [1, { count: 3 }] });
  });

  it('[PS1] belongs to the branch: going back finds what held there, and the other branch keeps its own', async () => {
    const factory = new InMemorySessionStoreFactory();
    const { plugin, seen } = counter();
    const runtime = await openTab(factory, plays(done, done, done, done, done), [plugin]);
    const { leaf } = await runtime.turn('a').result;
    const other = await runtime.turn('b').result;
    await runtime.branchToNode(leaf);
    await runtime.turn('c').result;
    await runtime.turn('d', { from: other.leaf }).result;
    await runtime.turn('e', { from: null }).result;
    expect(seen).toEqual([0, 1, 1, 2, 0]);
  });

  it('[PS1] is that of the newest commit, though another tab made it', async () => {
    const factory = new InMemorySessionStoreFactory();
    const [one, two] = [counter(), counter()];
    const a = await openTab(factory, plays(done, done), [one.plugin]);
    const b = await openTab(factory, plays(done), [two.plugin]);
    await a.turn('a').result;
    await b.turn('b').result;
    await a.turn('c').result;
    expect([one.seen, two.seen]).toEqual([[0, 2], [1]]);
    await Promise.all([a.close(), b.close()]);
  });

  it('[PS1] is stored with a turn that was stopped before it added anything', async () => {
    const factory = new InMemorySessionStoreFactory();
    const { plugin, seen } = counter();
    const provider = plays(['hang'], done);
    const runtime = await openTab(factory, provider, [plugin]);
    const turn = runtime.turn('a');
    await eventually(() => expect(provider.requests).toHaveLength(1));
    await turn.cancel('enough');
    await turn.result;
    await runtime.turn('b').result;
    expect(seen.at(-1)).toBe(1);
  });

  it('writes no checkpoint where nothing changed, and refers to what is stored already where another one did', async () => {
    const factory = new InMemorySessionStoreFactory();
    const still = counter({ id: 'still' }).plugin;
    const unchanged = definePlugin<Count>({ id: 'unchanged', version: 1, state: countFromZero, hooks: {} });
    const runtime = await openTab(factory, plays(done), [unchanged]);
    await runtime.turn('a').result;
    expect(await storedStates(factory)).toEqual({});
    await runtime.close();
    const first = await openTab(factory, plays(done), [still, unchanged]);
    await first.turn('b').result;
    await first.close();
    const bytes: number[] = [];
    const watched = standIn(factory, {
      open: async (...request) => {
        const store = await factory.open(...request);
        return standIn(store, {
          commit: async (commit) => {
            for (const component of Object.values(commit.checkpoint ?? {}))
              if ('body' in component) bytes.push(component.version);
            return await store.commit(commit);
          },
        });
      },
    });
    const { plugin } = counter({ version: 7 });
    const resting = definePlugin<Count>({ id: 'still', version: 1, state: countFromZero, hooks: {} });
    await (await openTab(watched, plays(done), [plugin, resting])).turn('c').result;
    expect(bytes).toEqual([7]);
    expect(await storedStates(factory)).toEqual({
      'plugin:counter': [7, { count: 1 }],
      'plugin:still': [1, { count: 1 }],
    });
  });

  it('[PS2] that a tool changes is stored with its outcome, once, wherever its tab dies', async () => {
    const adds = definePlugin<Count>({
      id: 'adds',
      version: 1,
      state: countFromZero,
      build: ({ state }) => ({
        tools: [
          {
            name: 'add',
            description: 'add',
            inputSchema: { type: 'object' },
            replay: 'safe',
            check: (value) => ({ ok: true, value }),
            execute: () => {
              state.set({ count: state.get().count + 1 });
              return state.get().count;
            },
          },
        ],
      }),
    });
    const scout = mortalTab(new InMemorySessionStoreFactory());
    await (await openTab(scout.factory, followsResults(2, asks('add')), [adds])).turn('go', { inputId: 't' })
      .result;
    const deaths = scout.writes.flatMap((_, write): Death[] => [
      { write, when: 'before' },
      { write, when: 'after' },
    ]);
    expect(deaths.length).toBeGreaterThan(10);
    for (const death of deaths) {
      const origin = new InMemorySessionStoreFactory();
      const mortal = mortalTab(origin, death);
      const first = await unlessDead(mortal, openTab(mortal.factory, followsResults(2, asks('add')), [adds]));
      if (first !== null) {
        const { result } = first.turn('go', { inputId: 't' });
        await unlessDead(
          mortal,
          result.catch(() => undefined),
        );
      }
      const second = await openTab(origin, followsResults(2, asks('add')), [adds]);
      const result = await second.turn('go', { inputId: 't' }).result;
      expect(result.status, JSON.stringify(death)).toBe('completed');
      expect(await storedStates(origin), JSON.stringify(death)).toEqual({ 'plugin:adds': [1, { count: 2 }] });
      await second.close();
    }
  });

  it('[PS3] of another version is migrated, and stored anew with the next commit', async () => {
    const factory = new InMemorySessionStoreFactory();
    await (await openTab(factory, plays(done), [counter().plugin])).close();
    const old = await openTab(factory, plays(done), [counter().plugin]);
    await old.turn('a').result;
    await old.close();
    const versions: number[] = [];
    const { plugin, seen } = counter({
      version: 2,
      state: {
        ...countFromZero,
        migrate: (body, version) => {
          versions.push(version);
          return { count: (body as Count).count * 10 };
        },
      },
    });
    const runtime = await openTab(factory, plays(done, done), [plugin]);
    await runtime.turn('b').result;
    await runtime.turn('c').result;
    expect([seen, versions]).toEqual([[10, 11], [1]]);
    expect(await storedStates(factory)).toEqual({ 'plugin:counter': [2, { count: 12 }] });
  });

  const fails = (): never => {
    throw new Error('no');
  };
  /** A schema that takes what a plugin begins with, and is broken for anything else. */
  const brokenSchema = (safeParse: (value: unknown) => unknown): Partial<StateDefinition<Count>> => ({
    schema: {
      safeParse: (value) => {
        const begun = countFromZero.schema.safeParse(value);
        return begun.success && begun.data.count === 0 ? begun : (safeParse(value) as typeof begun);
      },
    },
    migrate: (body) => body,
  });

  it.each<readonly [string, Partial<StateDefinition<Count>>]>([
    ['has no migration', {}],
    ['migrates to what its schema refuses', { migrate: () => ({ count: 'many' }) }],
    ['has a migration that throws', { migrate: fails }],
    [
      'migrates to no data, which its schema takes',
      { ...brokenSchema((data) => ({ success: true, data })), migrate: () => fails as never },
    ],
    ['has a schema that throws', brokenSchema(fails)],
    ['has a schema that makes no data', brokenSchema(() => ({ success: true, data: { count: fails } }))],
    ['has a schema that does not say what is wrong', brokenSchema(() => ({ success: false }))],
  ])('[PS3] is refused where the plugin %s; nothing is dropped, and the session is read', async (_, more) => {
    const factory = new InMemorySessionStoreFactory();
    const old = await openTab(factory, plays(done), [counter().plugin]);
    await old.turn('a').result;
    await old.close();
    const before = await storedStates(factory);
    const { plugin } = counter({ version: 2, state: { ...countFromZero, ...more } });
    const runtime = await openTab(factory, plays(done), [plugin]);
    expect(runtime.view().window.nodes).toHaveLength(2);
    await expect(runtime.turn('b').result).rejects.toMatchObject({
      code: 'PluginStateRefused',
      data: { plugin: 'counter', stored: 1, version: 2 },
    });
    expect(await storedStates(factory)).toEqual(before);
    await runtime.close();
    const again = counter();
    await (await openTab(factory, plays(done), [again.plugin])).turn('c').result;
    expect(again.seen).toEqual([1]);
  });

  it('[PS4] that a turn changed is stored with it, though the tab that goes on with it has no such plugin', async () => {
    const factory = memory();
    const ask = toolNamed('ask', { approval: true });
    const five = counts({ beforeTurn: ({ state }) => state.set({ count: 5 }) });
    const first = await openTab(factory, plays(asks('ask')), [five], { tools: [ask] });
    const begun = first.turn('go', { inputId: 't' });
    begun.result.catch(() => undefined);
    await eventually(() => expect(first.view().turn?.waits).toHaveLength(1));
    const [wait] = first.view().turn?.waits ?? [];
    await first.close();
    const other = counts({ afterTurn: (_, context) => addOne(context) }, { id: 'other' });
    const second = await openTab(factory, plays(done), [other], { tools: [ask] });
    const turn = second.turn('go', { inputId: 't' });
    await second.answer(wait?.kind === 'approval' ? wait.requestId : '', { approve: true });
    expect((await turn.result).status).toBe('completed');
    expect(await storedStates(factory)).toEqual({
      'plugin:p': [1, { count: 5 }],
      'plugin:other': [1, { count: 1 }],
    });
    await second.close();
  });

  it('[PS4] stays stored while the host has no such plugin', async () => {
    const factory = new InMemorySessionStoreFactory();
    const first = await openTab(factory, plays(done), [counter().plugin]);
    await first.turn('a').result;
    await first.close();
    const other = await openTab(factory, plays(done, done), [counter({ id: 'other' }).plugin]);
    await other.turn('b').result;
    await other.turn('c').result;
    await other.close();
    const back = counter();
    await (await openTab(factory, plays(done), [back.plugin])).turn('d').result;
    expect(back.seen).toEqual([1]);
    expect(await storedStates(factory)).toEqual({
      'plugin:counter': [1, { count: 2 }],
      'plugin:other': [1, { count: 2 }],
    });
  });

  it.each([
    ['throws', fails],
    ['makes no data', () => ({ success: true, data: fails })],
  ])('keeps a session from opening whose schema %s, by the name of its plugin', async (_, safeParse) => {
    const state = { ...countFromZero, schema: { safeParse: safeParse as never } };
    await expect(openTab(memory(), plays(), [counter({ state }).plugin])).rejects.toMatchObject({
      code: 'InvalidInput',
      data: { path: 'plugins.counter.state.initial' },
    });
  });

  it.each([
    ['its schema refuses', { count: 'many' }, 'InvalidInput'],
    ['is no data', { count: 1, more: () => 1 }, 'NotData'],
  ])('does not become what %s', async (_, value, code) => {
    let thrown: unknown;
    const odd = definePlugin<Count>({
      id: 'odd',
      version: 1,
      state: countFromZero,
      hooks: {
        beforeTurn: ({ state }: Context) => {
          try {
            state.set(value as never);
          } catch (error) {
            thrown = error;
          }
        },
      },
    });
    const factory = new InMemorySessionStoreFactory();
    await (await openTab(factory, plays(done), [odd])).turn('a').result;
    expect(thrown).toMatchObject({ code });
    expect(await storedStates(factory)).toEqual({});
  });

  it('is refused beyond 64 KiB, and beyond what a commit has room for', async () => {
    const lengths: string[] = [];
    const Long = z.strictObject({ text: z.string() });
    const long = (id: string, length: number): Plugin =>
      definePlugin<z.infer<typeof Long>>({
        id,
        version: 1,
        state: { schema: Long, initial: { text: '' } },
        hooks: {
          beforeTurn: ({ state }) => {
            try {
              state.set({ text: 'x'.repeat(length) });
              lengths.push(`${id} fits`);
            } catch {
              lengths.push(`${id} does not`);
            }
          },
        },
      });
    const many = Array.from({ length: 6 }, (_, index) => long(`p${index}`, 60_000));
    const factory = new InMemorySessionStoreFactory();
    const result = await (await openTab(factory, plays(done), [long('a', 70_000), ...many])).turn('go')
      .result;
    expect(result.status).toBe('completed');
    expect(lengths).toEqual([
      'a does not',
      'p0 fits',
      'p1 fits',
      'p2 fits',
      'p3 fits',
      'p4 does not',
      'p5 does not',
    ]);
  });

  it('cannot be changed outside of a turn, nor in place', async () => {
    let kept: { get(): Count; set(state: Count): void } | undefined;
    const leaks = definePlugin<Count>({
      id: 'leaks',
      version: 1,
      state: countFromZero,
      build: ({ state }) => {
        kept = state;
        return {};
      },
    });
    const runtime = await openTab(new InMemorySessionStoreFactory(), plays(done), [leaks]);
    const change = (): void => kept?.set({ count: 1 });
    expect(change).toThrow(expect.objectContaining({ code: 'PluginStateReadOnly' }));
    await runtime.turn('go').result;
    expect(change).toThrow(expect.objectContaining({ code: 'PluginStateReadOnly' }));
    expect(() => Object.assign(kept?.get() ?? {}, { count: 5 })).toThrow(TypeError);
  });

  it('[SE1] holds no secret', async () => {
    const secrets = new SecretVault();
    secrets.set('key', 'a-key-of-the-user');
    const Note = z.strictObject({ note: z.string() });
    const notes = definePlugin<z.infer<typeof Note>>({
      id: 'notes',
      version: 1,
      state: { schema: Note, initial: { note: '' } },
      hooks: { beforeTurn: ({ state }) => state.set({ note: 'it is a-key-of-the-user' }) },
    });
    const factory = new InMemorySessionStoreFactory();
    const environment = RuntimeEnvironment.builder()
      .withSessionStoreFactory(factory)
      .withPluginHost(new PluginHost([notes]))
      .build();
    const { runtime } = await openWith(plays(done), { environment, sessionId: 's', secrets });
    await runtime.turn('go').result;
    expect(await storedStates(factory)).toEqual({ 'plugin:notes': [1, { note: 'it is [redacted]' }] });
  });

  it('an initial one that its own schema refuses keeps the session from opening', async () => {
    const wrong = counter({ state: { ...countFromZero, initial: { count: 'none' as never } } });
    const opening = openTab(new InMemorySessionStoreFactory(), plays(), [wrong.plugin]);
    await expect(opening).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});
