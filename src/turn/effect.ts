import type { TurnActivity } from '../core/event.ts';
import type { ToolCallPart } from '../core/message.ts';
import type { NodeDraft } from '../core/node.ts';
import type { TokenUsage, UsageEntry } from '../core/usage.ts';
import type { TurnEnd } from './state.ts';

/**
 * What a turn asks for. Ids are the same on every replay of the same inputs (law TU2). `commit`, `call-model`,
 * `run-tool` and `wait` are answered by an input with their id; the others are not answered.
 */
export type TurnEffect =
  /** Append `nodes` below `parent` and count `usage`; no nodes: count only. `accept` marks the turn's input. */
  | {
      readonly type: 'commit';
      readonly id: string;
      readonly operationId: string;
      readonly parent: string | null;
      readonly nodes: readonly NodeDraft[];
      readonly usage: readonly UsageEntry[];
      readonly accept: boolean;
    }
  | {
      readonly type: 'call-model';
      readonly id: string;
      readonly leaf: string | null;
      readonly step: number;
      readonly attempt: number;
      readonly correlationId: string;
    }
  | { readonly type: 'stop-model'; readonly id: string; readonly reason: string }
  | { readonly type: 'run-tool'; readonly id: string; readonly call: ToolCallPart }
  | { readonly type: 'stop-tools'; readonly reason: string }
  | { readonly type: 'wait'; readonly id: string; readonly ms: number }
  | { readonly type: 'stop-waiting'; readonly id: string }
  | { readonly type: 'emit'; readonly activity: TurnActivity }
  /** The last effect of every turn, exactly once (law TU6). */
  | { readonly type: 'finish'; readonly end: TurnEnd; readonly usage: TokenUsage };
