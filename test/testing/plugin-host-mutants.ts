import type { Mutant, PluginHostContext } from 'lash-web/testing';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { PluginState, StateDefinition } from '../../src/contract/plugin-state.ts';
import type { HookContext, Plugin } from '../../src/contract/plugin.ts';

/** A host that has changed plugins. */
const host = (
  name: string,
  breaks: string,
  change: (plugins: readonly Plugin[]) => readonly Plugin[],
): Mutant<PluginHostContext> => ({
  name,
  breaks,
  make: (context) => ({
    ...context,
    open: async (environment, options) => {
      const pluginHost = new PluginHost(change(environment.pluginHost.plugins));
      return await context.open({ ...environment, pluginHost }, options);
    },
  }),
});

type Hook = (...args: readonly unknown[]) => unknown;

/** Plugins whose hooks are called in another way. */
const calling =
  (around: (hook: Hook, name: string) => Hook) =>
  (plugins: readonly Plugin[]): readonly Plugin[] =>
    plugins.map(({ hooks, ...plugin }) => ({
      ...plugin,
      build: (session) => {
        const made = plugin.build?.(session) ?? hooks ?? {};
        return Object.fromEntries(
          Object.entries(made).map(([name, hook]: [string, unknown]) => [
            name,
            typeof hook === 'function' ? around(hook as Hook, name) : hook,
          ]),
        );
      },
    }));

const isContext = (value: unknown): value is HookContext<unknown> =>
  typeof value === 'object' && value !== null && 'signal' in value && 'state' in value;

const PL1 = 'PL1: in which order hooks are asked, and what becomes of their answers';
const PL2 = 'PL2: one that throws, takes longer or answers with something else is PluginFailed';
const PL4 = 'PL4: which hooks run again';
const PL5 = 'PL5: what hooks are given is frozen';
const PS1 = 'PS1: a turn finds what held where it goes on from';
const PS2 = 'PS2: a change is stored with what it was made in';
const PS3 = 'PS3: what another version wrote is migrated, or refused';
const PS4 = 'PS4: the state of a plugin that is not here stays';

/** A state that is `null`, whatever it becomes. */
const FORGETFUL: StateDefinition<unknown> = {
  schema: { safeParse: () => ({ success: true, data: null }) },
  initial: null,
};

/** Hosts that are broken in one respect each: this package's own, with something in between. */
export const hostMutants: readonly Mutant<PluginHostContext>[] = [
  host('asks in another order', PL1, (plugins) =>
    plugins.map((plugin, index) => ({ ...plugin, priority: -index })),
  ),
  host('asks the first plugin alone', PL1, (plugins) => plugins.slice(0, 1)),
  host(
    'does not pass on what a chain returned',
    PL1,
    calling((hook, name) => (...args) => {
      const answer = hook(...args);
      return name === 'transformText' || name === 'viewContext' ? undefined : answer;
    }),
  ),
  host('leaves out hooks that there are not', PL2, (plugins) =>
    plugins.map(({ hooks, ...plugin }) => ({
      ...plugin,
      build: (session) => {
        const made = plugin.build?.(session) ?? hooks ?? {};
        return Object.hasOwn(made, 'beforeTrun') ? {} : made;
      },
    })),
  ),
  host(
    'hides failures',
    PL2,
    calling((hook) => (...args) => {
      try {
        const answer = hook(...args);
        return answer instanceof Promise ? answer.catch(() => undefined) : answer;
      } catch {
        return undefined;
      }
    }),
  ),
  host(
    'goes on without a hook that takes longer',
    PL2,
    calling((hook) => (...args) => {
      const answer = hook(...args);
      return answer instanceof Promise
        ? Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 20))])
        : answer;
    }),
  ),
  host(
    'calls what is no hook of a model call again',
    PL4,
    calling((hook, name) => (...args) => {
      if (name === 'afterStep') hook(...args);
      return hook(...args);
    }),
  ),
  host(
    'gives copies that can be changed',
    PL5,
    calling(
      (hook) =>
        (...args) =>
          hook(...args.map((arg) => (isContext(arg) ? arg : structuredClone(arg)))),
    ),
  ),
  host('forgets states', PS2, (plugins) => plugins.map((plugin) => ({ ...plugin, state: FORGETFUL }))),
  host(
    'keeps states beside the branch',
    PS1,
    (() => {
      const kept = new Map<string, unknown>();
      return (plugins) =>
        plugins.map(({ hooks, ...plugin }) => ({
          ...plugin,
          build: (session) => {
            const made = plugin.build?.(session) ?? hooks ?? {};
            const state: PluginState<unknown> = {
              get: () => kept.get(plugin.id) ?? null,
              set: (value) => void kept.set(plugin.id, value),
            };
            const [changed] = calling(
              (hook) =>
                (...args) =>
                  hook(...args.map((arg) => (isContext(arg) ? { ...arg, state } : arg))),
            )([{ id: plugin.id, version: plugin.version, hooks: made }]);
            return changed?.build?.(session) ?? {};
          },
        }));
    })(),
  ),
  host('drops what another version wrote', PS3, (plugins) =>
    plugins.map((plugin) =>
      plugin.state === undefined ? plugin : { ...plugin, state: { ...plugin.state, migrate: () => null } },
    ),
  ),
  host('calls one plugin by the name of another', PS4, (plugins) =>
    plugins.map((plugin, index) => ({ ...plugin, id: `number-${index}` })),
  ),
];
