import type { JsonValue } from '../../core/json.ts';
import type { NodeDraft } from '../../core/node.ts';
import type { GraphTarget } from '../../turn/effect.ts';
import type { TurnState } from '../../turn/state.ts';
import type { Misfit } from '../model/answer-check.ts';
import type { OfferedTool } from '../model/offered-tools.ts';
import type { CommittedTurn } from './turn-commits.ts';

/** What a run is made of: the plan of a turn, and where it stands. */
export interface RunStart extends CommittedTurn {
  readonly state: TurnState;
  /** What it begins with. */
  readonly input: NodeDraft | null;
  readonly target: GraphTarget;
  /** Entries that its journal has already. */
  readonly entries: number;
  /** How long it has run, in milliseconds. */
  readonly usedMs: number;
  readonly started: ReadonlySet<string>;
  /** Effects that whoever ran it before may have performed. */
  readonly again: ReadonlySet<string>;
  readonly offered: ReadonlyMap<string, OfferedTool>;
  /** The answer that its model call is to mend. */
  readonly misfit: Misfit | null;
  readonly signals: ReadonlyMap<string, JsonValue>;
}
