import type { RecordedTurn, TurnStore } from '../../contract/turn-store.ts';
import { LashError } from '../../core/error.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { PromptLayerData } from '../../core/prompt-layer.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { heldEffects, openEffects } from '../../turn/open-effects.ts';
import { replay } from '../../turn/replay.ts';
import type { TurnState } from '../../turn/state.ts';
import { type Misfit, misfitIn } from '../model/answer-check.ts';
import type { OfferedTool } from '../model/offered-tools.ts';
import type { StateChanges } from '../plugins/plugin-states.ts';
import type { TurnTime } from './turn-time.ts';

/** Text of an attempt at a model call, as it was shown. */
export interface ShownText {
  readonly correlationId: string;
  readonly kind: 'text' | 'reasoning';
  readonly text: string;
}

/** One entry of a turn's journal (law TU3). */
export interface JournalEntry {
  /** What the machine was told. */
  readonly input?: TurnInputEvent;
  /** What the model was offered of the tools that it called. */
  readonly offered?: readonly OfferedTool[];
  /** The effects of calls that may have done something from here on. */
  readonly started?: readonly string[];
  readonly shown?: readonly ShownText[];
  /** What plugins changed of their states by then (rule PS2). */
  readonly states?: StateChanges;
  /** How long the turn had run by then, in milliseconds, where it has a limit. */
  readonly usedMs?: number;
}

/** What a turn is run with, from its first commit to its end. */
export interface PlanRecord {
  readonly turnIndex: number;
  readonly policy: SessionPolicy;
  readonly prompt?: PromptLayerData;
  /** The schema of the answer that was asked for. */
  readonly answer?: JsonObject;
  /** The tools that it may offer the model. */
  readonly tools?: readonly string[];
}

/** Where the last commit left the turn. `appended`: it ended with nodes of its own, else the turn goes on from its leaf. */
export interface StateRecord {
  readonly state: TurnState;
  readonly appended: boolean;
  /** As in a {@link JournalEntry}. */
  readonly usedMs?: number;
}

/** What is known of a turn that somebody else began. */
export interface FoundTurn {
  readonly turnId: string;
  readonly hash: string;
  readonly plan: PlanRecord;
  readonly state: TurnState;
  /** Effects of calls that were started. */
  readonly started: ReadonlySet<string>;
  /** What the model was offered of the tools that it called, by name. */
  readonly offered: ReadonlyMap<string, OfferedTool>;
  /** What the unfinished attempt had shown. */
  readonly shown: readonly ShownText[];
  /** The answer that the present call is to mend. */
  readonly misfit: Misfit | null;
  /** What plugins changed since the last commit, in order. */
  readonly states: readonly StateChanges[];
  /** How many entries its journal has. */
  readonly entries: number;
  /** How long it had run, as far as that was recorded, in milliseconds. */
  readonly usedMs: number;
  /** Values by signal. */
  readonly signals: ReadonlyMap<string, JsonValue>;
}

/** Reads what was stored of a turn. @throws `StoredDataCorrupt` for what no version of this package wrote */
export function readTurn(sessionId: string, recorded: RecordedTurn): FoundTurn {
  const { turn, signals } = recorded;
  try {
    const plan = soundPlan(recorded.plan);
    const { state, appended, usedMs = 0 } = recorded.state as unknown as StateRecord;
    const journal = recorded.journal as readonly JournalEntry[];
    const inputs = journal.flatMap(({ input }) => (input === undefined ? [] : [input]));
    const present = replay(state, appended ? turn.leaf : state.leaf, inputs);
    const { phase } = present;
    if (openEffects(present).length + heldEffects(present).length === 0)
      throw new Error('there is nothing to go on with');
    const correlationId = phase.name === 'calling' ? phase.correlationId : null;
    return {
      turnId: turn.turnId,
      hash: turn.hash,
      plan,
      state: present,
      started: new Set(journal.flatMap(({ started = [] }) => started)),
      offered: new Map(journal.flatMap(({ offered = [] }) => offered).map((tool) => [tool.name, tool])),
      shown: journal.flatMap(({ shown = [] }) =>
        shown.filter((text) => text.correlationId === correlationId),
      ),
      misfit: misfitOf(inputs),
      states: journal.flatMap(({ states }) => (states === undefined ? [] : [states])),
      entries: journal.length,
      usedMs: journal.findLast((entry) => entry.usedMs !== undefined)?.usedMs ?? usedMs,
      signals: new Map(signals.map(({ signalId, value }) => [signalId, value])),
    };
  } catch (cause) {
    const reason = `the record of turn ${turn.turnId} is damaged`;
    const data = { sessionId, nodeId: null, reason };
    throw new LashError('StoredDataCorrupt', `Session ${sessionId} cannot be read: ${reason}`, data, {
      cause,
    });
  }
}

function soundPlan(plan: JsonValue): PlanRecord {
  const { policy, turnIndex } = plan as unknown as PlanRecord;
  if (typeof policy.provider.id !== 'string' || typeof turnIndex !== 'number')
    throw new Error('its plan is not complete');
  return plan as unknown as PlanRecord;
}

/** The last answer since the last commit that was not what was asked for. */
function misfitOf(inputs: readonly TurnInputEvent[]): Misfit | null {
  for (const input of inputs.toReversed()) {
    const misfit = input.type === 'model-failed' ? misfitIn(input) : null;
    if (misfit !== null) return misfit;
  }
  return null;
}

/**
 * Writes the journal of the turn that this runtime runs, one write after the other. A write that failed may be done all the
 * same: what it held is written again in front of what follows, in the same place (rule RC4).
 */
export class TurnJournal {
  readonly #turns: TurnStore;
  readonly #turnId: string;
  readonly #epoch: () => number;
  readonly #time: TurnTime;
  #next: number;
  /** What was to be written from `#next` on, and nobody knows whether it is, by the list that it was brought in. */
  readonly #unsure = new Map<readonly JournalEntry[], readonly JournalEntry[]>();
  #last: Promise<void> = Promise.resolve();

  /** `entries`: how many there are. `epoch`: the one that this runtime writes with. */
  constructor(turns: TurnStore, turnId: string, entries: number, epoch: () => number, time: TurnTime) {
    this.#turns = turns;
    this.#time = time;
    this.#turnId = turnId;
    this.#next = entries;
    this.#epoch = epoch;
  }

  /** Resolves when nothing is being written, however that ended. */
  get idle(): Promise<void> {
    return this.#last.catch(() => undefined);
  }

  /**
   * Adds entries; `strict` before a side effect (law ST20). Whoever tries again brings the same list.
   *
   * @throws `WriterFenced`, and what storage throws
   */
  async add(
    entries: readonly JournalEntry[],
    options: { readonly strict?: boolean; readonly waits?: readonly TurnWait[] } = {},
  ): Promise<void> {
    const { strict = false, waits } = options;
    const write = this.idle.then(async () => {
      const timed = this.#unsure.get(entries) ?? entries.map((entry) => ({ ...entry, ...this.#time.used }));
      const all = [...this.#unsure.set(entries, timed).values()].flat();
      await this.#turns.record({
        turnId: this.#turnId,
        epoch: this.#epoch(),
        first: this.#next,
        entries: all as unknown as readonly JsonValue[],
        ...(waits === undefined ? {} : { waits }),
        ...(strict ? { durability: 'strict' } : {}),
      });
      this.#next += all.length;
      this.#unsure.clear();
    });
    this.#last = write;
    await write;
  }

  /** A commit has begun it anew (rule RC5). */
  restart(): void {
    this.#next = 0;
    this.#unsure.clear();
  }
}
