import type { PluginNode } from '../../contract/plugin.ts';
import type { TurnChange } from '../../contract/turn-store.ts';
import { isLashError, LashError } from '../../core/error.ts';
import type { JsonValue } from '../../core/json.ts';
import type { NodeDraft } from '../../core/node.ts';
import { addToLedger, NO_USAGE, type UsageEntry } from '../../core/usage.ts';
import type { TurnEffect, TurnSpending } from '../../turn/effect.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { snapshotOf } from '../../turn/replay.ts';
import type { TurnEnd, TurnState } from '../../turn/state.ts';
import type { CallChildren } from '../children/child-call.ts';
import { endWith } from '../children/end-with.ts';
import { draftsBytes, MAX_PART_BYTES } from '../history/draft-size.ts';
import { leastBytes } from '../history/overflow.ts';
import type { SessionParts, TurnScope } from '../model/model-caller.ts';
import type { PendingCheckpoint, StateScope } from '../plugins/plugin-states.ts';
import { cancelled } from '../session-errors.ts';
import { isPassing, type PatientStorage } from './patient-storage.ts';
import type { PlanRecord, StateRecord } from './turn-journal.ts';
import type { TurnStops } from './turn-stops.ts';
import type { TurnTime } from './turn-time.ts';
import { traceTrouble } from './turn-trouble.ts';

/** What a turn asks to be committed. */
export type CommitEffect = Extract<TurnEffect, { readonly type: 'commit' }>;

/** What a turn's commits need to know of it. */
export interface CommittedTurn {
  readonly scope: TurnScope;
  readonly hash: string;
  /** Whether its input was accepted before it begins, and is kept in the queue. */
  readonly isQueued: boolean;
  /** Whether somebody else may have run it before. */
  readonly isAgain: boolean;
  /** Its way to change what plugins keep; `null` where there are none. */
  readonly states: StateScope | null;
}

/** Makes a turn's commits: its nodes, and what they say of the turn itself, in one transaction (law TU4). */
export class TurnCommits {
  readonly #parts: SessionParts;
  readonly #turn: CommittedTurn;
  readonly #storage: PatientStorage;
  readonly #time: TurnTime;
  readonly #stops: TurnStops;
  /** Whether the plugins were told how the turn ends. */
  #isEndTold = false;
  /** What child sessions used that plugins asked for then. */
  #spent: readonly UsageEntry[] = [];

  constructor(
    parts: SessionParts,
    turn: CommittedTurn,
    storage: PatientStorage,
    time: TurnTime,
    stops: TurnStops,
  ) {
    this.#stops = stops;
    this.#time = time;
    this.#parts = parts;
    this.#turn = turn;
    this.#storage = storage;
  }

  /** Makes the commit that `state` asked for, and resolves with the leaf behind it. @throws what the history throws */
  async make(effect: CommitEffect, state: TurnState): Promise<CommittedStep> {
    const { operationId, parent, target, role } = effect;
    const { history } = this.#parts;
    const added = await this.#tellEnd(effect, state);
    let nodes = [...effect.nodes, ...added];
    const pending = await this.#checkpoint();
    const spent = role.kind === 'end' ? this.#spent : [];
    const usage = [...effect.usage, ...spent];
    const turn = this.#changeOf(effect, state);
    const strict = role.kind === 'begin' ? ({ durability: 'strict' } as const) : {};
    let checkpoint = pending === undefined ? {} : { checkpoint: pending.change };
    let repeat = false;
    const write = async (): Promise<string | null> => {
      const options = { turn, ...strict, repeat, ...checkpoint };
      // What is tried again may have been done: then it is what it comes to.
      repeat = true;
      if (target === 'branch' && nodes.length === 0) {
        await history.branch(operationId, parent, options);
        return parent;
      }
      const appended = await history.append({ operationId, parent, nodes, usage, ...options });
      return nodes.length === 0 ? parent : appended.leaf;
    };
    const leaf = await this.#stored(effect, write, (error) => {
      // An end is told without what plugins keep and add, where that is what cannot be stored.
      if (isPassing(error)) return;
      checkpoint = {};
      nodes = [];
    });
    if (pending !== undefined && 'checkpoint' in checkpoint) pending.committed();
    this.#turn.states?.moved(history.head.leaf === leaf ? history.head : null);
    this.#parts.plugins?.show();
    if (role.kind === 'end') await this.#settleHandOffs(role.end);
    return spent.length === 0 ? { leaf } : { leaf, spent };
  }

  async #stored(
    effect: CommitEffect,
    write: () => Promise<string | null>,
    failed: (error: unknown) => void,
  ): Promise<string | null> {
    const accepts = effect.role.kind === 'begin' && !this.#turn.isQueued;
    if (accepts) return await this.#accept(write);
    // An end is not told before it is stored, whatever keeps it from that (law TU6).
    if (isBareEnd(effect)) {
      return await this.#storage.run(write, undefined, (error) => {
        failed(error);
        return !isElsewhere(error);
      });
    }
    return await this.#storage.run(write);
  }

  /** Tells the plugins, before the last commit, how the turn ends: once. Resolves with the nodes that they add to it. */
  async #tellEnd(effect: CommitEffect, { step }: TurnState): Promise<readonly NodeDraft[]> {
    const { role, parent } = effect;
    const { plugins, feed, secrets } = this.#parts;
    const { states, scope } = this.#turn;
    if (plugins === null || states === null || role.kind !== 'end' || this.#isEndTold) return [];
    this.#isEndTold = true;
    // Whoever stops the turn now stops what plugins still do, and nothing else: the turn has ended before (law TU5).
    const signal = AbortSignal.any([states.signal, this.#stops.next]);
    const { turnId } = scope;
    const warn = (error: unknown): void => {
      if (!signal.aborted)
        feed.emit({ type: 'warning', turnId, message: secrets.redactError(error).message });
    };
    const children = this.#childrenAtEnd(parent, signal);
    const turn = { turnId, step: Math.max(0, step - 1), signal, sessions: children.sessions };
    const told = plugins.of(turn).afterTurn({ ...role.end, usage: role.usage }, warn);
    const [added, { spent = [] }] = await endWith(children, told);
    this.#spent = spent;
    return parent === null ? [] : await this.#draftsOf(added, effect.nodes, warn);
  }

  /** The nodes that plugins add, where they fit into the commit of `nodes`. */
  async #draftsOf(
    added: readonly PluginNode[],
    nodes: readonly NodeDraft[],
    warn: (error: unknown) => void,
  ): Promise<readonly NodeDraft[]> {
    if (added.length === 0) return [];
    const createdAt = this.#parts.clock.now();
    const drafts = added.map((node): NodeDraft => ({ createdAt, body: { kind: 'plugin', ...node } }));
    if (await this.#fits([...nodes, ...drafts])) return drafts;
    const plugin = added.map(({ pluginType }) => pluginType).join(', ');
    const message = `What afterTurn adds to the path does not fit into the turn's last commit: ${plugin}`;
    warn(new LashError('PluginFailed', message, { plugin, hook: 'afterTurn', problem: 'invalid' }));
    return [];
  }

  /** Whether nodes fit into one commit: in several ones, a crash between them could be followed by others (law ST4). */
  async #fits(nodes: readonly NodeDraft[]): Promise<boolean> {
    const { budget } = this.#parts;
    return nodes.length <= budget.rows && (await leastBytes(nodes, budget)) <= budget.bytes;
  }

  /** What the commit stores of what plugins keep. */
  async #checkpoint(): Promise<PendingCheckpoint | undefined> {
    const { states } = this.#turn;
    if (states === null) return undefined;
    // Whoever is not the writer any more writes nothing (rule TR-4).
    if (states.signal.aborted) throw cancelled('the run is over');
    return await states.checkpoint();
  }

  #childrenAtEnd(leaf: string | null, signal: AbortSignal): CallChildren {
    const { scope, isAgain } = this.#turn;
    const { turnId, policy } = scope;
    const bounds = { signal, storage: this.#storage };
    const call = { turnId, effect: 'end', isAgain, mayHandOff: false, leaf, policy, ...bounds };
    return this.#parts.children.of(call);
  }

  /**
   * What was made for a turn to be passed on to, and is not named by its end, goes. Before that is stored somebody else may
   * come to another one. That it stays is no reason not to end.
   */
  async #settleHandOffs({ successor }: TurnEnd): Promise<void> {
    const { scope, isAgain } = this.#turn;
    const ended = { turnId: scope.turnId, successor, isAgain };
    try {
      await this.#parts.children.settle(ended);
    } catch (error) {
      traceTrouble(this.#parts, error);
    }
  }

  /**
   * Whether a turn whose commit failed stays as it is stored: another writer goes on with it, or ended it, storage is not
   * waited for any longer, or its input stays queued, or was taken out of the queue, before it began.
   */
  isLeft(error: unknown, effect: CommitEffect): boolean {
    if (isBareEnd(effect)) return true;
    if (effect.role.kind !== 'begin') return isLashError(error, 'WriterFenced') || isPassing(error);
    const isLeft = isLashError(error, 'WriterFenced') || isLashError(error, 'InputNotQueued');
    return this.#turn.isQueued && (isLeft || isPassing(error));
  }

  /** Whether what follows an input may take several commits, which a rebuilt one must not contradict (law ST13). */
  isLarge({ type }: TurnInputEvent, { phase }: TurnState): boolean {
    if (phase.name !== 'collecting' && phase.name !== 'committing') return false;
    if (type === 'collected') return false;
    const { rows, bytes } = this.#parts.budget;
    return phase.nodes.length > rows || draftsBytes(phase.nodes) > Math.min(MAX_PART_BYTES, bytes);
  }

  /** An input is refused if storage does not take it, unless it did. */
  async #accept(write: () => Promise<string | null>): Promise<string | null> {
    try {
      return await write();
    } catch (error) {
      const find = async (): Promise<boolean> =>
        (await this.#parts.turns.find(this.#turn.scope.turnId))?.status === 'running';
      // Whoever is told the first error asks again when storage answers.
      const isThere = isPassing(error) && (await find().catch(() => false));
      if (!isThere) throw error;
      return await write();
    }
  }

  #spending({ usage, children = [] }: TurnSpending): TurnSpending {
    const all = addToLedger(children, this.#spent);
    return { usage, ...(all.length === 0 ? {} : { children: all }) };
  }

  #changeOf({ role, nodes }: CommitEffect, present: TurnState): TurnChange {
    const { turnId, turnIndex, policy, prompt, answer, tools } = this.#turn.scope;
    const { secrets, clock } = this.#parts;
    const json = (value: unknown): JsonValue => secrets.redactJson(value) as JsonValue;
    const found: StateRecord = {
      state: snapshotOf(present),
      appended: nodes.length > 0,
      ...this.#time.used,
    };
    const state = json(found);
    switch (role.kind) {
      case 'begin': {
        const record: PlanRecord = {
          turnIndex,
          policy,
          ...(prompt === undefined ? {} : { prompt }),
          ...(answer === undefined ? {} : { answer }),
          ...(tools === undefined ? {} : { tools }),
        };
        const plan = json(record);
        return { kind: 'begin', turnId, hash: this.#turn.hash, plan, state, at: clock.now() };
      }
      case 'progress':
        return { kind: 'progress', turnId, state, settles: role.settles, settledAs: json(INJECTED) };
      case 'end':
        return { kind: 'end', turnId, result: json({ ...role.end, ...this.#spending(role) }) };
    }
  }
}

/** What a commit left behind. */
interface CommittedStep {
  readonly leaf: string | null;
  /** What child sessions used that it counted besides. */
  readonly spent?: readonly UsageEntry[];
}

/** An end that adds nothing: what is left to be stored where something else could not be. */
function isBareEnd({ role, nodes }: CommitEffect): boolean {
  return role.kind === 'end' && nodes.length === 0;
}

/** Whether somebody else writes the session, has ended the turn, or deleted both. */
function isElsewhere(error: unknown): boolean {
  return (
    isLashError(error, 'WriterFenced') ||
    isLashError(error, 'TurnNotFound') ||
    isLashError(error, 'SessionDeleted') ||
    isLashError(error, 'SessionNotFound')
  );
}

/** What an input ends with that became part of a running turn. */
const INJECTED = { status: 'completed', reason: 'injected', leaf: null, usage: NO_USAGE } as const;
