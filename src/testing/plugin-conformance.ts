import type { PluginCase } from './plugin-context.ts';
import { pluginShapeCases } from './plugin-shape-cases.ts';
import { pluginStateCases } from './plugin-state-cases.ts';
import { pluginTurnCases } from './plugin-turn-cases.ts';

/**
 * What a plugin owes whoever installs it, whatever it does. Run each case on a context of its own.
 *
 * - PC1 It is built for each session at once, and cheaply. Sessions share nothing: what one keeps, no other one finds.
 * - PC2 What it is made of is valid: its hooks, tools and actions, its state and the schema of that.
 * - PC3 Nothing that a model or a page writes makes it throw anything but a failure that says so, or hang.
 * - PC4 It is the same for the same state and history: a model that is asked again is told the same.
 * - PC5 With it, a turn ends exactly once, however it ends, and the session goes on.
 * - PC6 What it keeps lies in its state alone, so that it goes with the branch, and outlives closing, parking and a crash. What
 *   it changes says what is, and does not count what may be done again (rule PS2): after a crash the state is the one that would
 *   have been without, unless the model was told that the outcome of a call is unknown.
 * - PC7 What another version of it stored is migrated, or refused; it is never lost.
 * - PC8 Once its session is closed it does nothing with it any more.
 */
export const pluginConformance: readonly PluginCase[] = [
  ...pluginShapeCases,
  ...pluginTurnCases,
  ...pluginStateCases,
];
