import type { RuntimeEnvironment } from '../../contract/environment.ts';
import type { SessionNode } from '../../core/node.ts';
import type { PendingTurn } from '../../core/pending-turn.ts';
import type { TurnInput } from '../../core/turn-input.ts';
import type { UsageEntry } from '../../core/usage.ts';
import type { SessionView } from '../../core/view.ts';
import type { SessionListener } from '../feed.ts';
import type { CloseOptions, RuntimeOptions, TurnOptions } from '../runtime-options.ts';
import type { TurnHandle } from '../turn/turn-handle.ts';

/** What a child session is run by: `LashRuntime`, which stands above this. */
export interface ChildRuntime {
  readonly sessionId: string;
  turn(input: TurnInput, options: TurnOptions): TurnHandle;
  pendingTurns(): Promise<readonly PendingTurn[]>;
  cancelTurn(turnId: string, reason: string): Promise<void>;
  resumeTurns(asked: boolean): void;
  takeOver(options: { readonly force: boolean }): Promise<void>;
  view(): SessionView;
  subscribe(listener: SessionListener): () => void;
  usage(): { readonly ledger: readonly UsageEntry[] };
  getHistoricNode(nodeId: string): Promise<SessionNode>;
  close(options?: CloseOptions): Promise<void>;
}

/** Opens a session, as `LashRuntime.open` does. */
export type OpenRuntime = (environment: RuntimeEnvironment, options: RuntimeOptions) => Promise<ChildRuntime>;
