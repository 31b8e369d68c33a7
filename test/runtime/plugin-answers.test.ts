import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';

import { systemClock } from '../../src/contract/clock.ts';
import { definePlugin, type Plugin, type PluginHooks } from '../../src/contract/plugin.ts';
import { LashError } from '../../src/core/error.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { eventually } from '../support/eventually.ts';
import {
  addOne,
  asks,
  counts,
  done,
  eventsOf,
  memory,
  openStored,
  openTab,
  plain,
  storedStates,
  textsOf,
} from './plugin-support.ts';
import { type Faults, faultyFactory } from './stores.ts';
import { plays, text, toolNamed } from './support.ts';

type Then = (resolve: (value: unknown) => void) => void;
/** What is waited for as a promise is, and is none. */
// oxlint-disable-next-line unicorn/no-thenable -- what a hook must not return
const thenable = (then: Then): never => ({ then }) as never;
const endless = (): never => thenable(() => undefined);

describe('a hook that answers with a thenable', () => {
  it('[PL2][TU6] that never settles is not waited for beyond its time: the turn ends', async () => {
    const stuck = plain({ afterTurn: endless }, { timeoutMs: 20 });
    const runtime = await openTab(memory(), plays(done), [stuck], { clock: systemClock });
    const events = eventsOf(runtime);
    expect((await runtime.turn('go').result).status).toBe('completed');
    const message = expect.stringContaining('afterTurn of the plugin p took longer') as string;
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', message }));
  });

  it.each(['beforeStep', 'transformAnswer'] as const)(
    '[PL2] that never settles is late: %s fails the turn',
    async (hook) => {
      const stuck = plain({ [hook]: endless }, { timeoutMs: 20 });
      const runtime = await openTab(memory(), plays(done), [stuck], { clock: systemClock });
      const data = { plugin: 'p', hook, problem: 'late' };
      expect((await runtime.turn('go').result).error).toMatchObject({ code: 'PluginFailed', data });
    },
  );

  it('[PL2] that never settles does not keep the session from closing', async () => {
    const changePolicy = vi.fn<() => never>(endless);
    const stuck = plain({ changePolicy }, { timeoutMs: 1_000_000 });
    const runtime = await openStored([stuck], { clock: systemClock });
    const changing = runtime.setPolicy({ maxSteps: 3 });
    const refused = changing.catch((error: unknown) => error);
    await eventually(() => expect(changePolicy).toHaveBeenCalled());
    await runtime.close();
    expect(await refused).toMatchObject({ code: 'SessionClosed' });
  });

  it('[PL2] is given its answer by it', async () => {
    const answer: Then = (resolve) => resolve([{ type: 'text', text: 'later' }]);
    const soon = plain({ transformAnswer: () => thenable(answer) });
    const runtime = await openTab(memory(), plays(done), [soon]);
    await runtime.turn('go').result;
    expect(textsOf(runtime)).toEqual(['go', 'later']);
  });
});

/** What a session says of what its plugin did: of a turn, a call, a policy, or of opening. */
type Told = (plugin: Plugin) => Promise<unknown>;

const ofTurn: Told = async (plugin) => {
  const runtime = await openTab(memory(), plays(done), [plugin]);
  const { status, reason, error } = await runtime.turn('go').result;
  expect([status, reason]).toEqual(['failed', 'plugin_error']);
  return error;
};
const ofCall: Told = async (plugin) => {
  const tools = [toolNamed('x')];
  const runtime = await openTab(memory(), plays(asks('x'), done), [plugin], { tools });
  expect((await runtime.turn('go').result).status).toBe('completed');
  const { nodes } = runtime.view().window;
  return nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []))[0];
};
const ofPolicy: Told = async (plugin) => {
  const runtime = await openStored([plugin]);
  return await runtime.setPolicy({ maxSteps: 2 }).catch((error: unknown) => error);
};
const ofOpening: Told = async (plugin) =>
  await openTab(memory(), plays(), [plugin]).catch((error: unknown) => error);

const made = { type: 'tool-call', callId: 'made-up', tool: 'x', args: {} } as const;
const called = { ...made, callId: '0' };

describe('an answer that is not what its hook returns', () => {
  it.each<readonly [string, Told, PluginHooks<null>]>([
    ['half a failure', ofCall, { afterToolCall: () => ({ status: 'failure', message: 'no' }) as never }],
    ['an image without its bytes', ofTurn, { transformAnswer: () => [{ type: 'image' } as never] }],
    ['a call that the model did not make', ofTurn, { transformAnswer: () => [made] }],
    ['half a node', ofTurn, { viewContext: () => [{ id: 'x', body: { kind: 'conversation' } }] as never }],
    ['a policy that is a number', ofPolicy, { changePolicy: () => 5 as never }],
  ])('[PL2] %s is PluginFailed', async (_, told, hooks) => {
    expect(await told(plain(hooks))).toMatchObject({ code: 'PluginFailed' });
  });

  /** Data of which a member cannot be read. */
  const unreadable = (key: string): never =>
    Object.defineProperty({}, key, {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    }) as never;

  it.each<readonly [string, Told, PluginHooks<null>, 'invalid' | 'threw']>([
    ['beforeTurn', ofTurn, { beforeTurn: () => unreadable('abort') }, 'invalid'],
    ['beforeStep', ofTurn, { beforeStep: () => unreadable('then') }, 'threw'],
    ['viewContext', ofTurn, { viewContext: () => [unreadable('id')] }, 'invalid'],
    ['changePolicy', ofPolicy, { changePolicy: () => unreadable('provider') }, 'invalid'],
  ])('[PL2] of %s that cannot be read is PluginFailed', async (hook, told, hooks, problem) => {
    const data = { plugin: 'p', hook, problem };
    expect(await told(plain(hooks))).toMatchObject({ code: 'PluginFailed', data });
  });

  it('[PL2] of an action that cannot be read is PluginFailed', async () => {
    const bad = plain({ actions: { act: { run: () => ({ of: unreadable('x') }) } } });
    const runtime = await openTab(memory(), plays(), [bad]);
    await expect(runtime.runAction({ plugin: 'p', action: 'act' })).rejects.toMatchObject({
      code: 'PluginFailed',
      data: { plugin: 'p', hook: 'actions.act', problem: 'invalid' },
    });
  });

  it('[PL2] of build that cannot be read is PluginFailed', async () => {
    for (const key of ['then', 'prompt']) {
      const bad = definePlugin({ id: 'p', version: 1, build: () => unreadable(key) });
      const data = { plugin: 'p', hook: 'build', problem: 'threw' };
      expect(await ofOpening(bad)).toMatchObject({ code: 'PluginFailed', data });
    }
  });

  it('[PL2] one call twice is PluginFailed, and its tool does not run', async () => {
    const execute = vi.fn<() => string>(() => 'ran');
    const twice = plain({ transformAnswer: () => [called, called] });
    const options = { tools: [toolNamed('x', { execute })] };
    const runtime = await openTab(memory(), plays(asks('x'), done), [twice], options);
    expect((await runtime.turn('go').result).error).toMatchObject({ code: 'PluginFailed' });
    expect(execute).not.toHaveBeenCalled();
  });

  it('[PL2] a promise of hooks is PluginFailed, and the session does not open', async () => {
    const later = definePlugin({ id: 'p', version: 1, build: () => Promise.resolve({}) as never });
    const data = { plugin: 'p', hook: 'build', problem: 'invalid' };
    expect(await ofOpening(later)).toMatchObject({ code: 'PluginFailed', data });
  });

  it('[PL2] a thrown object without a text is PluginFailed as any other', async () => {
    const throwing = (): never => {
      throw Object.create(null);
    };
    expect(await ofTurn(plain({ beforeTurn: throwing }))).toMatchObject({ code: 'PluginFailed' });
  });

  it('[PL2][PL3] afterTurn is told once of the turn that it ends, and what it changes is stored', async () => {
    const factory = memory();
    const told: unknown[] = [];
    const odd = counts({
      transformAnswer: () => [{ type: 'image' } as never, { type: 'text', text: 'x' }],
      afterTurn: ({ status, error }, context) => {
        told.push([status, error?.code]);
        addOne(context);
      },
    });
    const runtime = await openTab(factory, plays(done), [odd]);
    await runtime.turn('go').result;
    expect(told).toEqual([['failed', 'PluginFailed']]);
    expect(await storedStates(factory)).toEqual({ 'plugin:p': [1, { count: 1 }] });
  });

  it('[PL3] afterTurn is told once, also where the commit behind it is refused', async () => {
    const refused = vi.fn<() => void>();
    const afterTurn = vi.fn<() => void>();
    const faults: Faults = {
      commit: async (request, proceed) => {
        if (request.turn?.kind !== 'end' || refused.mock.calls.length > 0) return await proceed();
        refused();
        throw new LashError('InvalidInput', 'no', { path: 'nodes', reason: 'no' });
      },
    };
    const runtime = await openTab(faultyFactory(faults, memory()), plays(done), [plain({ afterTurn })]);
    expect((await runtime.turn('go').result).status).toBe('failed');
    expect([refused.mock.calls.length, afterTurn.mock.calls.length]).toEqual([1, 1]);
  });

  // A rejection that is nobody's fails the whole run.
  it('[PL2][PL3] a promise where none may be, which rejects, is nobody else to handle', async () => {
    const rejects = (): never => Promise.reject(new Error('late')) as never;
    const odd = plain({ transformText: rejects, dispose: rejects });
    const runtime = await openTab(memory(), plays(done), [odd]);
    expect((await runtime.turn('go').result).error).toMatchObject({ code: 'PluginFailed' });
    await runtime.close();
  });
});

const SECRET = 'a-key-of-the-user';

function vault(): SecretVault {
  const secrets = new SecretVault();
  secrets.set('key', SECRET);
  return secrets;
}

describe('a secret that a plugin returns', () => {
  const rows: readonly (readonly [string, PluginHooks<null>])[] = [
    ['as shown text', { transformText: () => SECRET }],
    ['as arguments of a call', { beforeToolCall: () => ({ kind: 'args', args: { key: SECRET } }) }],
    ['as an answer to a call', { beforeToolCall: () => ({ kind: 'answer', value: SECRET }) }],
    ['as an outcome', { afterToolCall: () => ({ status: 'success', value: SECRET }) }],
    ['in the prompt', { prompt: () => [{ slot: 'guidance', content: SECRET }] }],
    ['as the reason of an end', { beforeTurn: () => ({ abort: SECRET }) }],
    [
      'in a view of the history',
      {
        viewContext: (nodes) =>
          nodes.map((node) => ({
            ...node,
            body: {
              kind: 'conversation' as const,
              message: { role: 'user' as const, parts: [{ type: 'text' as const, text: SECRET }] },
            },
          })),
      },
    ],
  ];

  it.each(rows)(
    '[PL5][SE1] %s is nowhere: not stored, not told, not with model or tool',
    async (_, hooks) => {
      const factory = memory();
      const given: unknown[] = [];
      const execute = (args: unknown): string => {
        given.push(args);
        return 'ok';
      };
      const provider = plays([text('said'), ...asks('x')], done);
      const tools = [toolNamed('x', { approval: true, execute })];
      const runtime = await openTab(factory, provider, [plain(hooks)], { secrets: vault(), tools });
      const events = eventsOf(runtime);
      const turn = runtime.turn('go', { inputId: 't' });
      const ended = vi.fn<() => void>();
      const result = turn.result.finally(ended);
      const waits = (): readonly TurnWait[] => runtime.view().turn?.waits ?? [];
      await eventually(() => expect(ended.mock.calls.length + waits().length).toBe(1));
      const store = await factory.open('s', { kind: 'open' });
      const recorded = [await store.turns.pending(), await store.turns.load('t')];
      for (const wait of waits())
        if (wait.kind === 'approval') await runtime.answer(wait.requestId, { approve: true });
      const told = [events, given, provider.requests, recorded, await result];
      const everywhere = JSON.stringify([told, await store.load({ kind: 'path' })]);
      expect(everywhere).toContain('[redacted]');
      expect(everywhere).not.toContain(SECRET);
    },
  );

  it('[SE1] in the error of an action that only reads is not told', async () => {
    const run = (): never => {
      throw new Error(`bad ${SECRET}`);
    };
    const bad = plain({ actions: { reads: { run } } });
    const runtime = await openTab(memory(), plays(), [bad], { secrets: vault() });
    const failing = runtime.runAction({ plugin: 'p', action: 'reads' });
    const message = expect.stringContaining('bad [redacted]') as string;
    await expect(failing).rejects.toMatchObject({ code: 'PluginFailed', message });
  });

  const Note = z.strictObject({ note: z.string().check(z.maxLength(SECRET.length)) });
  type Note = z.infer<typeof Note>;
  const notes = (hooks: PluginHooks<Note>): Plugin =>
    definePlugin<Note>({ id: 'p', version: 1, state: { schema: Note, initial: { note: '' } }, hooks });

  it('[SE1] in a state is not stored, though it becomes one only after the change', async () => {
    const factory = memory();
    const secrets = new SecretVault();
    const leaks = notes({
      beforeTurn: ({ state }) => {
        state.set({ note: SECRET });
        secrets.set('key', SECRET);
      },
    });
    const runtime = await openTab(factory, plays(done), [leaks], { secrets });
    await runtime.turn('go').result;
    expect(await storedStates(factory)).toEqual({ 'plugin:p': [1, { note: '[redacted]' }] });
  });

  it('[SE1][PS3] in a state that does not fit without it is given up where it became one after the change', async () => {
    const factory = memory();
    const secrets = new SecretVault();
    const note = `${'x'.repeat(SECRET.length - 8)}hunter22`;
    const leaks = (): Plugin =>
      notes({
        beforeTurn: ({ state }) => {
          state.set({ note });
          secrets.set('key', 'hunter22');
        },
      });
    const first = await openTab(factory, plays(done), [leaks()], { secrets });
    expect((await first.turn('a').result).status).toBe('completed');
    await first.close();
    expect(await storedStates(factory)).toEqual({});
    const second = await openTab(factory, plays(done), [notes({})], { secrets });
    expect((await second.turn('b').result).status).toBe('completed');
  });

  it('[SE1][PS3] in a state that does not fit without it is refused then, so that the session can be read again', async () => {
    const factory = memory();
    const secrets = new SecretVault();
    secrets.set('key', 'hunter22');
    const thrown: unknown[] = [];
    const note = `${'x'.repeat(SECRET.length - 8)}hunter22`;
    const leaks = (): Plugin =>
      notes({
        beforeTurn: ({ state }) => {
          try {
            state.set({ note });
          } catch (error) {
            thrown.push(error);
          }
        },
      });
    const first = await openTab(factory, plays(done), [leaks()], { secrets });
    await first.turn('a').result;
    await first.close();
    const second = await openTab(factory, plays(done), [leaks()], { secrets });
    expect((await second.turn('b').result).status).toBe('completed');
    const refused = expect.objectContaining({ code: 'InvalidInput' }) as unknown;
    expect(thrown).toEqual([refused, refused]);
  });
});
