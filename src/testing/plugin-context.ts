import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { Plugin } from '../contract/plugin.ts';
import type { Providers } from '../contract/provider.ts';
import type { Tool } from '../contract/tool.ts';
import type { SessionEvent } from '../core/event.ts';
import type { JsonValue } from '../core/json.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import type { ActionRequest } from '../core/plugin-action.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { TurnInput } from '../core/turn-input.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { SessionView } from '../core/view.ts';
import type { ConformanceCase } from './conformance-case.ts';
import type { ScriptedCall } from './scripted-provider.ts';

/** What the suites of plugins ask of a session's runtime. A `LashRuntime` is one. */
export interface PluginTestSession {
  readonly sessionId: string;
  view(): SessionView;
  subscribe(listener: (event: SessionEvent) => void): () => void;
  turn(
    input: TurnInput,
    options?: { readonly from?: string | null; readonly inputId?: string },
  ): { readonly accepted: Promise<void>; readonly result: Promise<TurnResult> };
  cancelTurn(turnId: string, reason?: string): Promise<void>;
  branchToNode(nodeId: string | null): Promise<string | null>;
  runAction(request: ActionRequest): Promise<JsonValue>;
  setPolicy(patch: Partial<SessionPolicy>): Promise<SessionPolicy>;
  park(): Promise<ParkedSession>;
  close(): Promise<void>;
}

/** How the suites of plugins open a session. */
export interface PluginTestOptions {
  readonly sessionId: string;
  readonly mode: 'openOrCreate';
  readonly policy: SessionPolicy;
  readonly providers: Providers;
  readonly tools: readonly Tool[];
}

/** The runtime that the suites of plugins run on, and its storage. */
export interface PluginRuntimeContext {
  /**
   * An environment without plugins on the context's sessions, as a further tab would have it; the suite adds the plugins.
   * Nothing is stored in it when a case begins.
   */
  environment(): Promise<RuntimeEnvironment>;
  open(environment: RuntimeEnvironment, options: PluginTestOptions): Promise<PluginTestSession>;
  resume(
    parked: ParkedSession,
    environment: RuntimeEnvironment,
    options: Omit<PluginTestOptions, 'sessionId' | 'mode'>,
  ): Promise<PluginTestSession>;
}

/** What a case of the host's suite runs on. */
export interface PluginHostContext extends PluginRuntimeContext {
  /** At least 8 characters that every session of the context knows as a secret. */
  readonly secret: string;
}

/** A turn that makes a plugin work: it is answered, calls the plugin's tools, and changes its state, if it has any. */
export interface PluginExercise {
  readonly input: Exclude<TurnInput, null>;
  /**
   * What the model does: the n-th of these once it has answered n times since it was last asked something. So it does the same
   * again when the turn is made again, or goes on in another tab. A call may be a function of the request.
   */
  readonly calls: readonly ScriptedCall[];
  /** Tools of the host that the turn needs besides. */
  readonly tools?: readonly Tool[];
}

/** A state that an older version of a plugin has stored. */
export interface OlderState {
  readonly version: number;
  readonly body: JsonValue;
  /** What this version makes of it. Absent: it refuses it. */
  readonly becomes?: JsonValue;
}

/** What a case of the plugin's suite runs on. */
export interface PluginConformanceContext extends PluginRuntimeContext {
  /** Makes the plugin anew, as the worker of a further tab does. */
  plugin(): Plugin;
  readonly exercise: PluginExercise;
  /** States of older versions, where there were any. */
  readonly older?: readonly OlderState[];
  /**
   * Leaves out of a state, or of what the model is told, what differs from run to run and may: times, new ids. Default: nothing
   * does.
   */
  comparable?(data: JsonValue): JsonValue;
}

/** A case of the plugin's suite. */
export type PluginCase = ConformanceCase<PluginConformanceContext>;

/** A case of the host's suite. */
export type PluginHostCase = ConformanceCase<PluginHostContext>;
