export type { ConformanceCase } from './testing/conformance-case.ts';
export { sessionStoreConformance } from './testing/store-conformance.ts';
export { memoryStoreContext } from './testing/memory-store-context.ts';
export type { SessionStoreContext, StoreDamage } from './testing/store-context.ts';
export { attachmentStoreConformance } from './testing/attachment-conformance.ts';
export type { AttachmentStoreContext } from './testing/attachment-context.ts';
export { leaseConformance } from './testing/lease-conformance.ts';
export type { LeaseContext } from './testing/lease-conformance.ts';
export { residencyConformance } from './testing/residency-conformance.ts';
export type { ResidencyContext, ResidencyOptions, ResidencySession } from './testing/residency-context.ts';
export { providerConformance } from './testing/provider-conformance.ts';
export type { ProviderCall, ProviderConformanceContext } from './testing/provider-conformance.ts';
export { pluginConformance } from './testing/plugin-conformance.ts';
export { pluginHostConformance } from './testing/plugin-host-conformance.ts';
export type {
  OlderState,
  PluginConformanceContext,
  PluginExercise,
  PluginHostContext,
  PluginRuntimeContext,
  PluginTestOptions,
  PluginTestSession,
} from './testing/plugin-context.ts';

export type { Mutant } from './testing/mutant.ts';
export { storeMutants } from './testing/store-mutants.ts';
export { attachmentMutants } from './testing/attachment-mutants.ts';

export { ManualClock } from './testing/manual-clock.ts';
export { scriptedProvider, scriptedText, scriptedToolCalls } from './testing/scripted-provider.ts';
export type {
  ScriptedAction,
  ScriptedCall,
  ScriptedProvider,
  ScriptedProviderOptions,
} from './testing/scripted-provider.ts';
export { parseTraceRecord } from './contract/trace-schema.ts';
