import type { PluginState } from '../../contract/plugin-state.ts';
import { stateReadOnly } from './plugin-states.ts';

/** A plugin's state for one call of a hook: it changes as long as `mayChange` says so. */
export function stateDuring(
  plugin: string,
  state: PluginState<unknown>,
  mayChange: () => boolean,
): PluginState<unknown> {
  return {
    get: () => state.get(),
    set: (value) => {
      if (!mayChange()) throw stateReadOnly(plugin);
      state.set(value);
    },
  };
}
