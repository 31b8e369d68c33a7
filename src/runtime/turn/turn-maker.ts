import type { RecordedTurn } from '../../contract/turn-store.ts';
import { LashError } from '../../core/error.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { TurnInput, TurnRequest } from '../../core/turn-input.ts';
import { performedEffects } from '../../turn/open-effects.ts';
import { ModelCaller, type SessionParts } from '../model/model-caller.ts';
import type { StateChanges, StateScope } from '../plugins/plugin-states.ts';
import type { CheckedAsk } from './checked-ask.ts';
import { liveTurnOf } from './live-turn.ts';
import { readTurn } from './turn-journal.ts';
import { checkAsk, checkImages, hashOf, planTurn } from './turn-plan.ts';
import { TurnRun } from './turn-run.ts';

/** Makes what runs the turns of one session. */
export class TurnMaker {
  readonly #parts: SessionParts;
  readonly #caller: ModelCaller;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#caller = new ModelCaller(parts);
  }

  /** Checks what a turn is asked to do. @throws `InvalidInput`, `NotData`, `AttachmentNotFound` */
  async check(input: TurnInput, request: TurnRequest): Promise<CheckedAsk> {
    const ask = this.#parts.secrets.redactJson(checkAsk(input, request));
    await checkImages(ask, this.#parts.environment.attachmentStore);
    return { ask, hash: await hashOf(ask) };
  }

  /**
   * A turn that is ready to begin; the writer's lease is held. `isQueued`: its input was accepted before.
   *
   * @throws `NodeNotFound` (`from`), `InvalidInput`, `PluginStateRefused`
   */
  async plan(
    turnId: string,
    { ask, hash }: CheckedAsk,
    policy: SessionPolicy,
    isQueued: boolean,
  ): Promise<TurnRun> {
    const { scope, state, input, target } = await planTurn(this.#parts, policy, turnId, ask);
    const states = await this.#beginStates(state.leaf, []);
    const nothing = {
      entries: 0,
      usedMs: 0,
      started: new Set<string>(),
      again: new Set<string>(),
      offered: new Map(),
      misfit: null,
      signals: new Map(),
    };
    const start = { scope, hash, isQueued, isAgain: false, state, states, ...nothing, input, target };
    return new TurnRun(start, this.#parts, this.#caller);
  }

  /** Goes on with a turn that nobody runs; the writer's lease is held. @throws `StoredDataCorrupt`, `PluginStateRefused` */
  async goOn(recorded: RecordedTurn): Promise<TurnRun> {
    const found = readTurn(this.#parts.history.sessionId, recorded);
    const { turnId, hash, plan, states: replayed, ...rest } = found;
    const { turnIndex, policy, prompt, answer, tools } = plan;
    const scope = { turnId, turnIndex, policy, prompt, answer, tools };
    const states = await this.#beginStates(found.state.leaf, replayed);
    try {
      const again = new Set(performedEffects(rest.state));
      const begun = { isQueued: false, isAgain: true, input: null, target: 'stay' } as const;
      const start = { ...rest, ...begun, scope, hash, states, again };
      const run = new TurnRun(start, this.#parts, this.#caller);
      this.#parts.feed.emit({ type: 'turn-joined', turn: liveTurnOf(found) });
      run.goOn();
      return run;
    } catch (error) {
      states?.end();
      throw error;
    }
  }

  /** The plugins' states are those that hold where the turn goes on. @throws `PluginStateRefused` */
  async #beginStates(leaf: string | null, replayed: readonly StateChanges[]): Promise<StateScope | null> {
    const { plugins, history } = this.#parts;
    const { revision } = history.head;
    if (plugins !== null) return await plugins.begin({ leaf, revision }, replayed);
    const [plugin, state] = replayed.flatMap((change) => Object.entries(change))[0] ?? [];
    if (plugin === undefined) return null;
    const reason = 'no plugin is here';
    const data = { plugin, stored: state?.version ?? 0, version: 0, reason };
    throw new LashError(
      'PluginStateRefused',
      `The turn has a state of the plugin ${plugin}, and ${reason}`,
      data,
    );
  }
}
