import { setTimeout as sleep } from 'node:timers/promises';

import type { Outside } from './outside.ts';
import type { TabEnd } from './tab-report.ts';
import { type Fate, type TabRow, until } from './tab-row.ts';
import { lawFaults } from './turn-law.ts';
import { MODEL_CALLS, SCRIPT_TOOLS, type ScriptTool } from './turn-script.ts';

/** When things happen in a round, in milliseconds from its first input on, and in which tab it is asked for. */
export interface Moments {
  readonly asks: number;
  /** When another tab asks for the second input. */
  readonly other: number;
  /** When the tab that runs a turn stops. */
  readonly dies: number;
}

/**
 * After how long a turn that does not end is asked for again, in milliseconds. A tab that freezes right after it said that it
 * is busy keeps the lease, and what was queued then waits for whoever asks next.
 */
const ASKED_AGAIN_MS = 20_000;

/**
 * One session of several tabs, of which the one that runs a turn stops: two inputs before that, and one behind it where the
 * tab is frozen, since nobody else can know that it is.
 */
export class TabRound {
  /** How many inputs were told to be accepted when the tab stopped. */
  accepted = 0;
  /** Whether storage was kept from the others. */
  wasBlocked = false;
  /** Whether the turns went on only when they were asked for once more. */
  wasAskedAgain = false;
  /** How long it took until another tab wrote, in milliseconds. */
  takeover: number | undefined;
  readonly #row: TabRow;
  readonly #outside: Outside;
  readonly #sessionId: string;
  readonly #url: string;
  readonly #inputs: string[] = [];
  readonly #faults: string[] = [];
  /** The tab that was frozen. */
  #frozen: number | undefined;

  constructor(row: TabRow, outside: Outside, sessionId: string) {
    this.#row = row;
    this.#outside = outside;
    this.#sessionId = sessionId;
    this.#url = outside.urlOf(sessionId);
  }

  /** Plays the round, and resolves with what was wrong. */
  async play(fate: Fate, moments: Moments): Promise<readonly string[]> {
    const tabs = Array.from({ length: this.#row.size }, (_, tab) => tab);
    for (const tab of tabs) await this.#open(tab, tab === 0 ? 'create' : 'open');
    const other = (moments.asks + 1) % tabs.length;
    const asking = [
      { tab: moments.asks, answer: this.#ask(moments.asks, 'a') },
      { tab: other, answer: sleep(moments.other).then(() => this.#ask(other, 'b')) },
    ];
    // One that is asked of the tab that stops has no answer.
    for (const { answer } of asking) answer.catch(() => undefined);
    await sleep(moments.dies);

    const victim = this.#lastSeen() ?? moments.asks;
    const accepted = this.#inputs.filter((input) => this.#outside.count(this.#world(input), 'accepted') > 0);
    this.accepted = accepted.length;
    const at = performance.now();
    this.#row.stop(victim, fate);
    if (fate === 'freeze') this.#frozen = victim;
    for (const { tab, answer } of asking) if (tab !== victim) await answer;

    const survivor = (victim + 1) % tabs.length;
    if (fate === 'freeze') {
      await this.#insist(survivor, 'c', victim);
      const asked = Date.now();
      const isDone = async (): Promise<boolean> => await this.#find<boolean>(survivor, 'isOver');
      await until(async () => (await isDone()) || Date.now() - asked > ASKED_AGAIN_MS, 'nobody answers');
      this.wasAskedAgain = !(await isDone());
      if (this.wasAskedAgain) await this.#insist(survivor, 'c', victim);
    }
    await this.#untilOver(survivor);
    const ended = await this.#find<readonly string[]>(survivor, 'ended', this.#sessionId);
    for (const input of accepted) if (!ended.includes(input)) this.#faults.push(`${input} is lost`);
    for (const input of ['a', 'b']) await this.#insist(survivor, input, victim);
    await this.#untilOver(survivor);
    const next = this.#outside
      .happened(this.#world('all'))
      .find((one) => one.at > at && one.by !== String(victim));
    this.takeover = next === undefined ? undefined : next.at - at;

    if (await this.#row.bringBack(victim)) await this.#open(victim, 'open');
    await this.#check(survivor);
    return this.#faults;
  }

  /** Leaves nothing behind. */
  forget(): void {
    for (const world of ['all', ...this.#inputs]) this.#outside.forget(this.#world(world));
  }

  async #open(tab: number, mode: 'create' | 'open'): Promise<void> {
    await this.#row.call(tab, 'open', String(tab), this.#url, this.#sessionId, mode);
  }

  /** Asks for an input, if the tab runs, and resolves with how that was answered. */
  async #ask(tab: number, name: string): Promise<string> {
    const input = `${this.#sessionId}-${name}`;
    if (!this.#row.runs(tab)) return 'nobody is there';
    if (!this.#inputs.includes(input)) this.#inputs.push(input);
    return await this.#row.call<string>(tab, 'ask', String(tab), this.#url, input);
  }

  /** Asks until the input is accepted. Where a frozen tab keeps storage, it has to run again first. */
  async #insist(tab: number, name: string, victim: number): Promise<void> {
    await until(async () => {
      const answer = await this.#ask(tab, name);
      if (answer === 'StorageBlocked') {
        this.wasBlocked = true;
        await this.#row.bringBack(victim);
      } else if (answer !== 'accepted') this.#faults.push(`${name} was answered ${answer}`);
      return answer === 'accepted';
    }, `${name} is not accepted`);
  }

  /**
   * Asks a tab what it finds. Freezing takes its time: one that got into a transaction before it stood still keeps storage from
   * the others, and has to run again first.
   */
  async #find<T>(tab: number, name: string, ...args: readonly unknown[]): Promise<T> {
    try {
      return await this.#row.call<T>(tab, name, ...args);
    } catch (error) {
      if (this.#frozen === undefined || !String(error).includes('StorageBlocked')) throw error;
      this.wasBlocked = true;
      await this.#row.bringBack(this.#frozen);
      return await this.#row.call<T>(tab, name, ...args);
    }
  }

  async #untilOver(tab: number): Promise<void> {
    await until(async () => await this.#find<boolean>(tab, 'isOver'), 'the turns do not end');
  }

  /** The tab that did something last. */
  #lastSeen(): number | undefined {
    const last = ['all', ...this.#inputs]
      .flatMap((name) => this.#outside.happened(this.#world(name)))
      .filter(({ what }) => what !== 'accepted')
      .toSorted((one, other) => one.at - other.at)
      .at(-1);
    return last === undefined ? undefined : Number(last.by);
  }

  /** What happened to a turn, or to the session (`all`). */
  #world(name: string): string {
    return `${this.#sessionId}.${name}`;
  }

  async #check(survivor: number): Promise<void> {
    const inputs = this.#inputs.toSorted((one, other) => one.localeCompare(other));
    const end = await this.#find<TabEnd>(survivor, 'end', this.#sessionId, inputs);
    this.#faults.push(...end.violations);
    for (let tab = 0; tab < this.#row.size; tab++) {
      const shows = async (): Promise<boolean> =>
        (await this.#find<string | null>(tab, 'shown')) === end.leaf;
      await until(shows, `tab ${tab} does not show ${end.leaf}`);
    }
    // A tab that is slow to answer is taken for a frozen one: then a turn is interrupted more often.
    const kills = Math.max(1, this.#outside.count(this.#world('all'), 'writer') - 1);
    for (const [index, input] of inputs.entries()) {
      const outcomes = end.outcomes[index];
      if (outcomes === undefined) continue;
      const count = (what: string): number => this.#outside.count(this.#world(input), what);
      const runs = SCRIPT_TOOLS.map((tool) => [tool, count(tool)]);
      const course = {
        kills,
        found: [],
        runsThen: [],
        callsThen: [],
        runs: Object.fromEntries(runs) as Record<ScriptTool, number>,
        calls: MODEL_CALLS.map(count),
        end: { outcomes, violations: [] },
        place: undefined,
      };
      this.#faults.push(...lawFaults(course).map((what) => `${input}: ${what}`));
    }
  }
}
