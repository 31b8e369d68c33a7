import type { RetryLimits } from '../core/limits.ts';
import type { PromptLayerData } from '../core/prompt-layer.ts';
import type { AttachmentStore } from './attachments.ts';
import type { PluginHost } from './plugin-host.ts';
import type { SessionStoreFactory } from './store.ts';
import type { BackgroundTaskHost } from './task.ts';
import type { TraceContext, TraceLevel, TraceSink } from './trace.ts';

/**
 * Which nodes a session keeps in memory: every one, or those of the active path only (laws RE1, RE2). Nodes that are
 * not resident stay stored and are found by `getHistoricNode`.
 */
export type Residency = 'KeepAll' | 'ActivePathOnly';

/** The two residencies by name. */
export const Residency: { readonly KeepAll: 'KeepAll'; readonly ActivePathOnly: 'ActivePathOnly' } =
  Object.freeze({
    KeepAll: 'KeepAll',
    ActivePathOnly: 'ActivePathOnly',
  });

/** What it means when a model's stream ends without saying that it is done. */
export interface TerminationPolicy {
  /**
   * `true` (default): the attempt failed with `ProviderStreamInterrupted` and is made again within the retry limit.
   * `false`: what had arrived is the answer.
   */
  readonly treatMissingDoneAsFailure: boolean;
}

/** Bounds that hold for every session of an environment. */
export interface RuntimeLimits {
  /** Node bodies in memory per session under `ActivePathOnly`, in bytes. */
  readonly residentBytes: number;
  /** Model calls per turn; a session's policy may lower or raise it. */
  readonly maxSteps: number;
  /**
   * How much of a tool's result a model reads, in bytes of JSON. Of a longer one it reads the beginning, and where the whole
   * lies: it is kept as an attachment, and may have what the attachment store takes.
   */
  readonly toolResultBytes: number;
  /** How deep child sessions may have children: a session's children are at depth 1. */
  readonly childDepth: number;
  /** How many children of one session may be open at a time. */
  readonly openChildren: number;
  readonly retries: RetryLimits;
}

/** What all sessions of a worker share; immutable once built. `RuntimeEnvironment.builder()` makes one. */
export interface RuntimeEnvironment {
  readonly pluginHost: PluginHost;
  readonly residency: Residency;
  readonly backgroundTaskHost: BackgroundTaskHost | null;
  readonly sessionStoreFactory: SessionStoreFactory;
  readonly attachmentStore: AttachmentStore;
  readonly prompt: PromptLayerData;
  readonly traceSink: TraceSink | null;
  readonly traceLevel: TraceLevel;
  readonly traceContext: TraceContext;
  readonly termination: TerminationPolicy;
  readonly limits: RuntimeLimits;
}
