import type { PluginState } from '../../contract/plugin-state.ts';
import type { Plugin, PluginHooks } from '../../contract/plugin.ts';
import type { StateGate } from './state-gate.ts';

/** A plugin as it was built for a session. */
export interface BuiltPlugin {
  readonly plugin: Plugin;
  readonly hooks: PluginHooks<unknown>;
  readonly state: PluginState<unknown>;
  readonly gate: StateGate;
}
