export type { ConformanceCase } from './testing/conformance-case.ts';
export { sessionStoreConformance } from './testing/store-conformance.ts';
export type { SessionStoreContext } from './testing/store-context.ts';
export { attachmentStoreConformance } from './testing/attachment-conformance.ts';
export type { AttachmentStoreContext } from './testing/attachment-conformance.ts';
export { providerConformance } from './testing/provider-conformance.ts';
export type { ProviderCall, ProviderConformanceContext } from './testing/provider-conformance.ts';

export { ManualClock } from './testing/manual-clock.ts';
export { scriptedProvider, scriptedText, scriptedToolCalls } from './testing/scripted-provider.ts';
export type {
  ScriptedAction,
  ScriptedCall,
  ScriptedProvider,
  ScriptedProviderOptions,
} from './testing/scripted-provider.ts';
export { parseTraceRecord } from './contract/trace-schema.ts';
