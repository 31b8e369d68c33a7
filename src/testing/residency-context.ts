import type { Residency, RuntimeEnvironment } from '../contract/environment.ts';
import type { Providers } from '../contract/provider.ts';
import type { OrphanPage, SessionStore } from '../contract/store.ts';
import type { Tool } from '../contract/tool.ts';
import type { PathWindow, SessionEvent } from '../core/event.ts';
import type { NodeBody, SessionNode } from '../core/node.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import type { Page, SessionPolicy } from '../core/policy.ts';
import type { TurnInput } from '../core/turn-input.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { SessionView } from '../core/view.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** What the residency suite asks of a session's runtime. */
export interface ResidencySession {
  readonly sessionId: string;
  readonly residentNodes: number;
  readonly residentBytes: number;
  residentNodeIds(): readonly string[];
  view(): SessionView;
  subscribe(listener: (event: SessionEvent) => void): () => void;
  turn(
    input: TurnInput,
    options?: { readonly from?: string | null; readonly inputId?: string },
  ): { readonly accepted: Promise<void>; readonly result: Promise<TurnResult> };
  branchToNode(nodeId: string | null): Promise<string | null>;
  getHistoricNode(nodeId: string): Promise<SessionNode>;
  appendSessionNodes(request: {
    readonly requires?: string;
    readonly nodes: readonly NodeBody[];
  }): Promise<{ readonly nodeIds: readonly string[]; readonly leaf: string | null }>;
  readView(request?: {
    readonly before?: number;
    readonly limit?: number;
  }): Promise<{ readonly window: PathWindow }>;
  orphanedNodeIds(page?: OrphanPage): Promise<Page<string>>;
  maintain<T>(work: (store: SessionStore) => Promise<T>): Promise<T>;
  park(): Promise<ParkedSession>;
  close(): Promise<void>;
}

/** How the suite opens a session. */
export interface ResidencyOptions {
  readonly sessionId: string;
  readonly mode: 'openOrCreate' | 'open' | 'readOnly';
  readonly policy: SessionPolicy;
  readonly providers: Providers;
  readonly tools?: readonly Tool[];
}

/** What a case of the residency suite runs on. */
export interface ResidencyContext {
  /**
   * An environment on the context's sessions, as a further tab would have it: with a plugin host of its own, and a
   * connection of its own where there is one. Its store must outlive the worker, or pass for one that does.
   */
  environment(residency: Residency, residentBytes?: number): Promise<RuntimeEnvironment>;
  /** An environment on a database that is empty and another one. */
  elsewhere(): Promise<RuntimeEnvironment>;
  open(environment: RuntimeEnvironment, options: ResidencyOptions): Promise<ResidencySession>;
  resume(
    parked: ParkedSession,
    environment: RuntimeEnvironment,
    options: Omit<ResidencyOptions, 'sessionId' | 'mode'>,
  ): Promise<ResidencySession>;
}

/** A case of the residency suite. */
export type ResidencyCase = ConformanceCase<ResidencyContext>;
