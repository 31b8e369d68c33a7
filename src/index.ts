export { connectRuntime } from './client/connect.ts';
export type {
  ConnectOptions,
  CreateSessionRequest,
  RuntimeClient,
  WorkerSource,
} from './client/runtime-client.ts';
export type { SessionClient, TurnOptions } from './client/session.ts';
export type { ClientMaintenance } from './client/maintenance.ts';
export type { SessionExport } from './client/session-export.ts';
export type { ClientTurn } from './client/turn.ts';
export type { BackgroundTasks } from './client/background-tasks.ts';
export type { TurnQueue } from './client/turn-queue.ts';
export type { AttachmentOptions, SessionAttachments } from './client/attachments.ts';
export type { PageProvider } from './client/page-providers.ts';
export type { PageTool, PageToolContext, PageToolReturn } from './client/page-tools.ts';
export type { TraceExport, TraceExportRequest } from './client/trace-export.ts';

export type {
  AppendRequest,
  AppendResult,
  ExportRequest,
  ImportedSession,
  KeepRule,
  ListRequest,
  OrphanRequest,
  PageProviderSpec,
  PageToolSpec,
  SessionOpenMode,
  SessionUsage,
  StorageReport,
  TaskListRequest,
  TraceLines,
  TraceReadRequest,
  ViewPage,
} from './protocol/api.ts';

export { fromWireError, isLashError, LashError } from './core/error.ts';
export type { LashErrorCode, LashErrorData, LashErrorOptions, WireError } from './core/error.ts';
export { messageOf } from './core/node.ts';
export { messageText, toolCallsOf } from './core/message.ts';
export { outcomeText } from './core/tool-call.ts';
export { toolFailure } from './core/tool-failure.ts';
export type { ToolFailureClass, ToolFailureOptions } from './core/tool-failure.ts';
export { toolResult } from './core/tool-result.ts';
export type { ToolResult } from './core/tool-result.ts';
export { VIEW_BYTES, VIEW_WINDOW } from './core/path-window.ts';

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
export type { FinishReason, ModelEvent } from './core/model-event.ts';
export type { ModelRequest, PromptMessage, PromptPart } from './core/model-request.ts';
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
export type {
  BackgroundTaskKind,
  BackgroundTaskPolicies,
  BackgroundTaskRecord,
  BackgroundTaskState,
} from './core/task.ts';
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
