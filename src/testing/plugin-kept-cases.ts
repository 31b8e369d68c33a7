import type { PluginState } from '../contract/plugin-state.ts';
import type { HookContext, Plugin, PluginHooks, PluginSessionInfo } from '../contract/plugin.ts';
import { isLashError } from '../core/error.ts';
import { equal, ok, rejects } from './assert.ts';
import { ASKED_HOOKS } from './hook-laws.ts';
import type { PluginHostCase } from './plugin-context.ts';
import { ANY_STATE, openHost, pluginOf, type HostTab } from './plugin-host-stage.ts';
import { inTime } from './plugin-stage.ts';

const ofTurn = ASKED_HOOKS.filter(([, law]) => law.ofTurn === true);

/** The plugin `id`, which keeps anything, and what its turns found. */
function keeper(
  hooks: PluginHooks<unknown>,
  id = 'keeps',
  more: Partial<Plugin> = {},
): { readonly plugin: Plugin; readonly found: unknown[] } {
  const found: unknown[] = [];
  const beforeTurn: PluginHooks<unknown>['beforeTurn'] = (context) => {
    found.push(context.state.get());
    return hooks.beforeTurn?.(context);
  };
  return { plugin: pluginOf(id, { ...hooks, beforeTurn }, { state: ANY_STATE, ...more }), found };
}

/** Adds one to what is kept, from 0. */
const addOne = ({ state }: Pick<HookContext<unknown>, 'state'>): void =>
  state.set(Number(state.get() ?? 0) + 1);

async function speak({ session }: HostTab): Promise<string> {
  return (await inTime(session.turn('Speak').result)).status;
}

const hookCases: readonly PluginHostCase[] = ofTurn.map(([hook]) => ({
  name: `[PS2] what ${hook} changes is there in the next turn, and in another tab`,
  run: async (context) => {
    const set = (...args: readonly unknown[]): void => {
      const { state } = args.at(-1) as HookContext<unknown>;
      state.set({ by: hook });
    };
    const hooks = { [hook]: set } as PluginHooks<unknown>;
    const { plugin, found } = keeper(hooks);
    const tab = await openHost(context, [plugin]);
    equal([await speak(tab), await speak(tab)], ['completed', 'completed']);
    await tab.session.close();
    const again = keeper({});
    const other = await openHost(context, [again.plugin]);
    equal(await speak(other), 'completed');
    await other.session.close();
    equal([...found, ...again.found], [null, { by: hook }, { by: hook }]);
  },
}));

const lateCases: readonly PluginHostCase[] = ofTurn.map(([hook]) => ({
  name: `[PS2] a state does not change any more once ${hook} has answered, nor does the one that build was given`,
  run: async (context) => {
    const states: PluginState<unknown>[] = [];
    const build = ({ state }: PluginSessionInfo<unknown>): PluginHooks<unknown> => {
      states.push(state);
      const keep = (...args: readonly unknown[]): void => {
        states.push((args.at(-1) as HookContext<unknown>).state);
      };
      return { [hook]: keep };
    };
    const refusals: unknown[] = [];
    const behind = pluginOf('behind', { [hook]: () => void refusals.push(...states.map(refusalOf)) });
    const tab = await openHost(context, [{ id: 'keeps', version: 1, state: ANY_STATE, build }, behind]);
    equal(await speak(tab), 'completed');
    ok(refusals.length >= 2, 'it is not asked');
    for (const refusal of [...refusals, ...states.map(refusalOf)])
      ok(isLashError(refusal, 'PluginStateReadOnly'), `it is refused with ${String(refusal)}`);
    await tab.session.close();
  },
}));

const readingCase: PluginHostCase = {
  name: '[PS2] an action that only reads changes nothing during a turn either, whichever state it takes',
  run: async (context) => {
    const build = ({ state }: PluginSessionInfo<unknown>): PluginHooks<unknown> => ({
      actions: {
        own: { run: (_, given) => change(given.state) },
        built: { run: () => change(state) },
      },
    });
    const refusals: unknown[] = [];
    const asks = async (): Promise<void> => {
      for (const action of ['own', 'built'])
        refusals.push(
          await tab.session.runAction({ plugin: 'keeps', action }).catch((error: unknown) => error),
        );
    };
    const plugins = [
      { id: 'keeps', version: 1, state: ANY_STATE, build },
      pluginOf('asks', { beforeTurn: asks }),
    ];
    const tab = await openHost(context, plugins);
    equal(await speak(tab), 'completed');
    equal(refusals.length, 2, 'how many actions are asked for');
    for (const refusal of refusals)
      ok(isLashError(refusal, 'PluginFailed'), `it is answered with ${String(refusal)}`);
    await tab.session.close();
    const { plugin, found } = keeper({});
    const again = await openHost(context, [plugin]);
    equal(await speak(again), 'completed');
    equal(found, [null], 'the state that the next turn finds');
    await again.session.close();
  },
};

const placeCases: readonly PluginHostCase[] = [
  {
    name: '[PS2] a state does not change while it is built, or in a hook that is of no turn',
    run: async (context) => {
      const refused: unknown[] = [];
      const build = ({ state }: PluginSessionInfo<unknown>): PluginHooks<unknown> => {
        const attempt = (): undefined => {
          try {
            state.set('changed');
          } catch (error) {
            refused.push(error);
          }
        };
        attempt();
        return { changePolicy: attempt };
      };
      const tab = await openHost(context, [{ id: 'keeps', version: 1, state: ANY_STATE, build }]);
      await tab.session.setPolicy({ maxSteps: 9 });
      equal(refused.length, 3, 'how often it is refused: as it is built, opened and changed');
      for (const error of refused) await rejects(Promise.reject(error as Error), 'PluginStateReadOnly');
      await tab.session.close();
    },
  },
  {
    name: '[PS1] a turn finds what held at the node that it goes on from',
    run: async (context) => {
      const { plugin, found } = keeper({ afterTurn: (_, hook) => addOne(hook) });
      const tab = await openHost(context, [plugin]);
      await speak(tab);
      const { leaf } = tab.session.view().head;
      await speak(tab);
      await tab.session.branchToNode(leaf);
      await speak(tab);
      await inTime(tab.session.turn('Speak', { from: null }).result);
      await tab.session.close();
      equal(found, [null, 1, 1, null]);
    },
  },
  {
    name: '[PS2] a turn that was stopped or failed keeps what it changed with what it committed, and none is half there',
    run: async (context) => {
      const { plugin, found } = keeper({ beforeTurn: addOne, afterTurn: (_, hook) => addOne(hook) });
      const tab = await openHost(context, [plugin], {
        disturb: (call, actions) => (call === 0 ? [{ type: 'fail', error: new Error('no') }] : actions),
      });
      equal([await speak(tab), await speak(tab)], ['failed', 'completed']);
      await tab.session.close();
      equal(found, [null, 2]);
    },
  },
  {
    name: '[PS4] what a plugin keeps that is not here stays stored, and is found when it comes back',
    run: async (context) => {
      const adding = { afterTurn: (_: unknown, hook: HookContext<unknown>) => addOne(hook) };
      const gone = keeper(adding, 'gone');
      const stays = keeper(adding, 'stays');
      for (const plugins of [[gone.plugin, stays.plugin], [stays.plugin], [gone.plugin, stays.plugin]]) {
        const tab = await openHost(context, plugins);
        equal(await speak(tab), 'completed');
        await tab.session.close();
      }
      equal(
        [gone.found, stays.found],
        [
          [null, 1],
          [null, 1, 2],
        ],
      );
    },
  },
  {
    name: '[PS3] what another version wrote is migrated, or else refused: then no turn begins, and nothing is lost',
    run: async (context) => {
      const old = keeper({ afterTurn: (_, { state }) => state.set({ old: 1 }) });
      const first = await openHost(context, [old.plugin]);
      await speak(first);
      await first.session.close();
      const failing = (): never => {
        throw new Error('no');
      };
      for (const state of [ANY_STATE, { ...ANY_STATE, migrate: failing }]) {
        const strict = keeper({}, 'keeps', { version: 2, state });
        const tab = await openHost(context, [strict.plugin]);
        const { head } = tab.session.view();
        await rejects(inTime(tab.session.turn('Speak').result), 'PluginStateRefused');
        equal([tab.session.view().head, strict.found], [head, []]);
        await tab.session.close();
      }
      const migrate = (body: unknown, version: number) => ({ body, version }) as never;
      const able = keeper({}, 'keeps', { version: 2, state: { ...ANY_STATE, migrate } });
      const tab = await openHost(context, [able.plugin]);
      equal(await speak(tab), 'completed');
      await tab.session.close();
      equal(able.found, [{ body: { old: 1 }, version: 1 }]);
    },
  },
  {
    name: '[PS2][SE1] a state that holds a secret is kept without it',
    run: async (context) => {
      const { secret } = context;
      const leaks = { shown: true, ...ANY_STATE };
      const { plugin, found } = keeper(
        { afterTurn: (_, { state }) => state.set({ kept: `the key is ${secret}` }) },
        'keeps',
        { state: leaks },
      );
      const tab = await openHost(context, [plugin]);
      equal([await speak(tab), await speak(tab)], ['completed', 'completed']);
      const shown = JSON.stringify([found, tab.session.view(), tab.events]);
      equal([shown.includes(secret), shown.includes('the key is')], [false, true]);
      await tab.session.close();
    },
  },
];

/** What of plugins a host keeps, where and for how long (rules PS1 to PS4). */
export const pluginKeptCases: readonly PluginHostCase[] = [
  ...hookCases,
  ...lateCases,
  readingCase,
  ...placeCases,
];

function change(state: PluginState<unknown>): undefined {
  state.set('changed');
}

/** What setting a state fails with, if it does. */
function refusalOf(state: PluginState<unknown>): unknown {
  try {
    return change(state);
  } catch (error) {
    return error;
  }
}
