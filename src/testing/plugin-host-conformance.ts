import type { PluginHostCase } from './plugin-context.ts';
import { pluginFailureCases } from './plugin-failure-cases.ts';
import { pluginKeptCases } from './plugin-kept-cases.ts';
import { pluginOrderCases } from './plugin-order-cases.ts';

/**
 * What a runtime owes plugins, hook by hook: rules PL1 to PL5 and PS1 to PS4 of their contracts. For each hook that there is:
 * when it is asked and what it is given, and what becomes of the turn when it throws, hangs, or answers with something else than
 * its type says. Run each case on a context of its own.
 */
export const pluginHostConformance: readonly PluginHostCase[] = [
  ...pluginOrderCases,
  ...pluginFailureCases,
  ...pluginKeptCases,
];
