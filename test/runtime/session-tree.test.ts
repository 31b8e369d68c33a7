import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { home, openParent } from './children-support.ts';
import { type MortalTab, mortalTab } from './mortal.ts';
import { letRun } from './plugin-support.ts';
import {
  type Action,
  actions,
  modelOf,
  placesOf,
  type StoredSession,
  storedSessions,
  type Task,
  tools,
  trees,
} from './tree-model.ts';

const PATIENCE_MS = 15_000;
const RUNS = Number(process.env['LASH_TREE_RUNS'] ?? 25);

/** A tab with the root of the tree open. */
interface Tab {
  readonly mortal: MortalTab;
  readonly runtime: LashRuntime;
}

/** Works on a tree in one tab after the other, whatever happens to them. */
class TreeRun {
  readonly origin = new InMemorySessionStoreFactory();
  readonly tasks: ReadonlyMap<string, Task>;
  readonly model: ReturnType<typeof modelOf>;
  #isStopped = false;
  readonly stoppedChildren = new Set<string>();

  constructor(tasks: ReadonlyMap<string, Task>) {
    this.tasks = tasks;
    this.model = modelOf(tasks);
  }

  async run(steps: readonly Action[]): Promise<void> {
    await (await this.#open(mortalTab(this.origin))).close();
    let tab = await this.#begin(steps[0]);
    for (const [at, step] of steps.entries()) tab = await this.#act(step, tab, steps[at + 1]);
    await letRun();
    if (tab.mortal.isDead()) tab = await this.#begin(undefined);
    // What hangs, or waits for somebody, is over when the root is stopped.
    const isEndless = [...this.tasks.values()].some(({ leaf }) => leaf === 'hang' || leaf === 'wait');
    if (isEndless) await this.#stop(tab);
    const { result } = tab.runtime.turn('0', { inputId: 't' });
    await withPatience(result, 'the root');
    await tab.runtime.close();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  async #act(step: Action, tab: Tab, next: Action | undefined): Promise<Tab> {
    await letRun();
    switch (step.kind) {
      case 'stop':
        await this.#stop(tab);
        return tab;
      case 'stop-child':
        await this.#stopChild(step.which);
        return tab;
      case 'kill': {
        await letRun();
        if (!tab.mortal.isDead()) await tab.mortal.kill();
        return await this.#begin(next);
      }
      case 'die-and-stop': {
        await tab.mortal.kill();
        const other = await this.#begin(next, 'ask');
        await this.#stop(other);
        return other;
      }
      case 'take-over': {
        const other = await this.#begin(next, 'ask');
        if (!other.mortal.isDead())
          await Promise.race([other.runtime.takeOver({ force: true }), other.mortal.death]);
        return other;
      }
    }
  }

  async #begin(next: Action | undefined, how: 'go-on' | 'ask' = 'go-on'): Promise<Tab> {
    const mortal = mortalTab(this.origin, next?.kind === 'kill' ? next : undefined);
    const runtime = await Promise.race([this.#open(mortal, how), mortal.death]);
    if (runtime === undefined) return await this.#begin(undefined, how);
    if (how === 'go-on') {
      const { accepted } = runtime.turn('0', { inputId: 't' });
      // Whoever stops it must find it.
      await Promise.race([accepted.catch(() => undefined), mortal.death]);
    }
    return { mortal, runtime };
  }

  async #open(mortal: MortalTab, how: 'go-on' | 'ask' = 'go-on'): Promise<LashRuntime> {
    const environment = home({ factory: mortal.factory });
    return await openParent(environment, this.model, tools, { unfinishedTurns: how });
  }

  async #stop(tab: Tab): Promise<void> {
    this.#isStopped = true;
    const stopping = tab.runtime.cancelTurn('t').catch(() => undefined);
    await Promise.race([stopping, tab.mortal.death]);
  }

  /** As another tab does it that has the child open. */
  async #stopChild(which: number): Promise<void> {
    const children = (await storedSessions(this.origin)).filter(({ parent }) => parent !== null);
    const child = children[which % Math.max(1, children.length)];
    if (child === undefined || child.pending === 0) return;
    this.stoppedChildren.add(child.place);
    const environment = home({ factory: mortalTab(this.origin).factory });
    const { sessionId } = child;
    const other = await openParent(environment, this.model, tools, { sessionId, unfinishedTurns: 'ask' });
    await other.cancelTurn('task').catch(() => undefined);
    await letRun();
    await other.close({ turn: 'leave' });
  }
}

async function withPatience<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} does not end`)), PATIENCE_MS);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** How the turn of a place may have ended: as its task says, or stopped with one that is above it, or itself. */
function endsOf({ tasks, isStopped, stoppedChildren }: TreeRun, place: string): readonly string[] {
  const task = tasks.get(place);
  const isBelowStopped = [...stoppedChildren].some((stopped) => `${place}.`.startsWith(`${stopped}.`));
  const stopped = isStopped || isBelowStopped ? ['cancelled'] : [];
  switch (task?.leaf) {
    case 'fail':
      return ['failed', ...stopped];
    case 'answer':
      return ['completed', ...stopped];
    default:
      return stopped;
  }
}

function check(run: TreeRun, stored: readonly StoredSession[]): void {
  expect(new Set(stored.map(({ place }) => place)).size).toBe(stored.length);
  for (const { sessionId, parent, place, status, pending, answers, counted } of stored) {
    const above = stored.find((other) => other.sessionId === parent);
    expect([place, above?.place ?? null]).toEqual([place, place.includes('.') ? place.slice(0, -2) : null]);
    expect([place, pending]).toEqual([place, 0]);
    // One that was made for a call that was stopped need not have begun.
    const unbegun = run.isStopped || run.stoppedChildren.size > 0 ? [undefined] : [];
    expect([...unbegun, ...endsOf(run, place)], place).toContain(status);
    const parts = stored.filter((other) => other.parent === sessionId);
    const ofParts = parts.reduce((sum, part) => sum + part.counted.own + part.counted.parts, 0);
    expect([place, counted.parts]).toEqual([place, ofParts]);
    // An answer of calls alone that came as the turn was being stopped counts, and is not kept.
    expect(counted.own, place).toBeGreaterThanOrEqual(answers);
    expect(counted.own, place).toBeLessThanOrEqual(
      answers + (run.isStopped || run.stoppedChildren.size > 0 ? 1 : 0),
    );
    expect(counted.own, place).toBeLessThanOrEqual(run.model.finished.get(place) ?? 0);
  }
}

describe('a tree of sessions', () => {
  test('[CH1][CH3][TU6] ends whole and counts each call once, whoever is stopped, dies or is taken over', async () => {
    await fc.assert(
      fc.asyncProperty(trees, actions, async (tree, steps) => {
        const run = new TreeRun(placesOf(tree));
        await run.run(steps);
        check(run, await storedSessions(run.origin));
      }),
      { seed: 20_261_127, numRuns: RUNS, endOnFailure: true },
    );
  }, 300_000);

  test('[CH3] without anything happening to it does each task once, and counts every call that finished', async () => {
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        const tasks = placesOf(tree);
        fc.pre([...tasks.values()].every(({ leaf }) => leaf === 'answer' || leaf === 'fail'));
        const run = new TreeRun(tasks);
        await run.run([]);
        const stored = await storedSessions(run.origin);
        check(run, stored);
        expect(stored.map(({ place }) => place).toSorted()).toEqual([...tasks.keys()].toSorted());
        for (const { place, counted } of stored)
          expect([place, counted.own]).toEqual([place, run.model.finished.get(place) ?? 0]);
      }),
      { seed: 20_261_127, numRuns: Math.ceil(RUNS / 4), endOnFailure: true },
    );
  }, 300_000);
});
