export { serveRuntime } from './worker/serve.ts';
export type { Durability } from './contract/durability.ts';
export type { ServeOptions } from './worker/serve.ts';
export type { HousekeepingOptions } from './worker/maintenance.ts';
export { defineTool } from './worker/define-tool.ts';
export type { ToolDefinition } from './worker/define-tool.ts';
export { RuntimeEnvironment } from './worker/environment.ts';
export { RuntimeEnvironmentBuilder } from './worker/environment-builder.ts';
export type { LimitChanges } from './worker/environment-builder.ts';

export { LashRuntime } from './runtime/runtime.ts';
export type {
  CloseOptions,
  ResumeOptions,
  RuntimeOptions,
  SessionMode,
  TurnOptions,
} from './runtime/runtime-options.ts';
export type { TurnHandle } from './runtime/turn/turn-handle.ts';
export type { SessionQueue } from './runtime/session-queue.ts';
export type { SessionListener } from './runtime/feed.ts';
export { SecretVault } from './runtime/secrets.ts';
export type { RedactingStream } from './runtime/secrets.ts';

export { IndexedDbDatabase, type IndexedDbDatabaseOptions } from './stores/indexeddb/rows/database.ts';
export { IndexedDbSessionStoreFactory } from './stores/indexeddb/indexeddb-session-store-factory.ts';
export type { IndexedDbSessionStoreOptions } from './stores/indexeddb/indexeddb-session-store-factory.ts';
export { IndexedDbAttachmentStore } from './stores/indexeddb/indexeddb-attachment-store.ts';
export { InMemorySessionStoreFactory } from './stores/memory/memory-session-store-factory.ts';
export type { InMemorySessionStoreOptions } from './stores/memory/memory-session-store-factory.ts';
export { InMemoryAttachmentStore } from './stores/memory/memory-attachment-store.ts';
export type { AttachmentOptions } from './stores/rules/attachment-check.ts';

export type { KeptRecords } from './tasks/kept-records.ts';
export { LocalBackgroundTaskHost } from './tasks/local-background-task-host.ts';

export { JsonlTraceSink } from './sinks/jsonl-trace-sink.ts';
export type { JsonlTraceOptions } from './sinks/jsonl-trace-sink.ts';
export { MemoryTraceSink } from './sinks/memory-trace-sink.ts';
export { FanoutTraceSink } from './sinks/fanout-trace-sink.ts';

export { PromptLayer } from './prompt/layer.ts';
export { PromptTemplate } from './prompt/template.ts';
export { PromptContribution } from './prompt/contribution.ts';
export type { PromptContributionHelper, PromptContributionOptions } from './prompt/contribution.ts';
export { PromptSlot } from './prompt/slot.ts';

export { Residency } from './contract/environment.ts';
export type { RuntimeLimits, TerminationPolicy } from './contract/environment.ts';
export { definePlugin } from './contract/plugin.ts';
export type {
  ActionContext,
  HookContext,
  Plugin,
  PluginAction,
  PluginDefinition,
  PluginHooks,
  PluginNode,
  PluginSessionInfo,
  StepAnswer,
  ToolCallRuling,
  TurnAbort,
  TurnEnding,
  TurnPath,
  ViewContext,
} from './contract/plugin.ts';
export { PluginHost } from './contract/plugin-host.ts';
export type { PluginState, StateDefinition, StateIssue, StateSchema } from './contract/plugin-state.ts';
export { TraceLevel } from './contract/trace.ts';
export type {
  ReadableTrace,
  TraceBlock,
  TraceChunk,
  TraceContext,
  TraceEvent,
  TraceMessage,
  TraceRecord,
  TraceRequest,
  TraceSink,
  TraceStreamSummary,
  TraceUsage,
} from './contract/trace.ts';
export type {
  ChildRequest,
  ChildResult,
  ChildSession,
  ChildSessions,
  ChildStart,
  ChildTurnOptions,
  HandOffRequest,
} from './contract/child-sessions.ts';
export { systemClock } from './contract/clock.ts';
export type { Clock } from './contract/clock.ts';
export type {
  AttachmentMeta,
  AttachmentOwner,
  AttachmentStore,
  StoredAttachment,
} from './contract/attachments.ts';
export type {
  Checkpoint,
  CheckpointChange,
  ComponentBody,
  ComponentReference,
  StoredComponent,
} from './contract/checkpoint.ts';
export type { SessionLease, SessionLeases, SessionNotice } from './contract/lease.ts';
export type { Provider, ProviderContext, Providers, ProviderSource } from './contract/provider.ts';
export type { FinishReason, ModelEvent } from './core/model-event.ts';
export type { ModelRequest, PromptImage, PromptMessage, PromptPart } from './core/model-request.ts';
export type {
  CommitBudget,
  CommitReceipt,
  CommitRequest,
  DeleteOptions,
  GcOptions,
  GraphChange,
  LoadScope,
  NodePlace,
  NodeWalk,
  OrphanPage,
  SessionImport,
  SessionMetaChange,
  SessionSnapshot,
  SoundPath,
  SessionStore,
  SessionStoreFactory,
  StoreOpenMode,
  VacuumOptions,
  WalkPage,
} from './contract/store.ts';
export type {
  BackgroundTaskContext,
  BackgroundTaskDefinition,
  BackgroundTaskHost,
  HostedTasks,
  SessionTasks,
  TaskFilter,
  TaskLabels,
  TaskRegistration,
  TaskSession,
  TaskStart,
  TaskUpdate,
} from './contract/task.ts';
export type {
  BackgroundTaskKind,
  BackgroundTaskOutcome,
  BackgroundTaskPolicies,
  BackgroundTaskRecord,
  BackgroundTaskState,
} from './core/task.ts';
export type { StoredTask, TaskStore, TaskWrite } from './contract/task-store.ts';
export type { ArgumentCheck, Tool, ToolContext, ToolReturn } from './contract/tool.ts';
export type {
  QueuedInput,
  RecordedTurn,
  StoredTurn,
  TurnChange,
  TurnRecord,
  TurnSignal,
  TurnStatus,
  TurnStore,
} from './contract/turn-store.ts';

export { fromWireError, isLashError, LashError, toLashError, toWireError } from './core/error.ts';
export type { LashErrorCode, LashErrorData, LashErrorOptions, WireError } from './core/error.ts';
export { messageOf } from './core/node.ts';
export { messageText, toolCallsOf } from './core/message.ts';
export { outcomeText } from './core/tool-call.ts';
export { toolFailure } from './core/tool-failure.ts';
export type { ToolFailureClass, ToolFailureOptions } from './core/tool-failure.ts';
export { toolResult } from './core/tool-result.ts';
export type { ToolResult } from './core/tool-result.ts';
export { NO_USAGE } from './core/usage.ts';

export type { AttachmentRef } from './core/attachment.ts';
export type { BranchPoint, Sibling } from './core/branch-point.ts';
export type { PathWindow, SessionEvent, SessionHead, SessionWriter, TurnActivity } from './core/event.ts';
export type { DatabaseEvent } from './core/database-event.ts';
export type { JsonObject, JsonValue } from './core/json.ts';
export type {
  GcReport,
  HousekeepingReport,
  MaintenanceStatus,
  RefusalReason,
  RefusedNode,
  SessionHousekeeping,
  SessionInventory,
  SweepReport,
  TombstoneReport,
  VacuumReport,
} from './core/maintenance.ts';
export type { RetryLimits } from './core/limits.ts';
export type {
  FilePart,
  ImagePart,
  Message,
  Overflowing,
  Part,
  ReasoningPart,
  Role,
  TextPart,
  ToolCallPart,
  UserPart,
} from './core/message.ts';
export type {
  ConversationBody,
  NodeBody,
  NodeDraft,
  PluginBody,
  SessionNode,
  ToolBody,
} from './core/node.ts';
export type { ParkedSession } from './core/parked-session.ts';
export type {
  Page,
  ProviderChoice,
  SessionMeta,
  SessionPolicy,
  SessionQuery,
  SessionSummary,
} from './core/policy.ts';
export type {
  PromptBuiltin,
  PromptContributionData,
  PromptGate,
  PromptLayerData,
  PromptSlotEdit,
  PromptSlotName,
  PromptTemplateData,
  PromptTemplateEntry,
  PromptTemplateSection,
} from './core/prompt-layer.ts';
export type { ToolFailure, ToolInvocation, ToolOutcome } from './core/tool-call.ts';
export type { ToolSpec } from './core/tool-spec.ts';
export type { TurnInput, TurnRequest } from './core/turn-input.ts';
export type { TurnEndReason, TurnResult } from './core/turn-result.ts';
export type { TokenUsage, UsageEntry } from './core/usage.ts';
export type { LiveToolCall, LiveTurn } from './core/live-turn.ts';
export type { Observed, ObservationGap } from './core/event-log.ts';
export type { PendingTurn } from './core/pending-turn.ts';
export type { ApprovalDecision, TurnWait } from './core/turn-wait.ts';
export type { EndedTurn, SessionView } from './core/view.ts';
