import { describe, expect, it } from 'vitest';

import type { SessionNode } from '../../src/core/node.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { newWorld, openScripted, type Place, type World } from './matrix-script.ts';
import { type Death, type MortalTab, mortalTab } from './mortal.ts';

/** Of the pairs of deaths one in so many is tried; 1 tries all of them. */
const STRIDE = Number(process.env['LASH_MATRIX_STRIDE'] ?? 8);

/** The writes of the script, in order: what the matrix was made for. A change here asks for a look at each point. */
const SEAMS = [
  'takeLease',
  'commit', // the question is accepted
  'record', // the answer with two calls, and that they start
  'record', // the first call's outcome
  'commit', // the round
  'record', // the failed attempt
  'record', // that the wait is over
  'record', // the answer with the call that is to be approved
  'record', // that it waits for the approval
  'signal', // the approval
  'record', // that it starts
  'commit', // the round
  'commit', // the answer, and the end
];

const PLACES: readonly Place[] = ['mid-stream', 'in look', 'in pay', 'in erase'];

/** How often the tool that may run again runs. In another tool, its outcome may still be on its way to the journal. */
const LOOKS: Readonly<Record<Place, readonly number[]>> = {
  'mid-stream': [1],
  'in look': [2],
  'in pay': [1, 2],
  'in erase': [1, 2],
};

interface Outcome {
  readonly world: World;
  readonly nodes: readonly SessionNode[];
}

async function prepared(): Promise<{
  readonly origin: InMemorySessionStoreFactory;
  readonly offPath: readonly SessionNode[];
}> {
  const origin = new InMemorySessionStoreFactory();
  const { runtime } = await openScripted(mortalTab(origin).factory, newWorld());
  const { leaf } = await runtime.appendSessionNodes({
    nodes: [{ kind: 'plugin', pluginType: 'note', data: 'off the path' }],
  });
  await runtime.branchToNode(null);
  await runtime.close();
  const store = await origin.open('s', { kind: 'open' });
  return { origin, offPath: [await store.loadNode(leaf ?? '')] };
}

/** Runs the script in tabs that die one after the other, and in a last one that does not. */
async function play(
  arm: (tab: (death?: Death) => MortalTab, world: World) => readonly MortalTab[],
): Promise<Outcome> {
  const { origin, offPath } = await prepared();
  const world = newWorld();
  const tabs = arm((death) => mortalTab(origin, death), world);
  let last: LashRuntime | undefined;
  const finished: unknown[] = [];
  for (const tab of [...tabs, mortalTab(origin)]) {
    const opening = openScripted(tab.factory, world);
    const opened = await Promise.race([opening, tab.death.then(() => null)]);
    if (opened === null) continue;
    const { runtime, events } = opened;
    const turn = runtime.turn('go', { inputId: 't' });
    turn.accepted.catch(() => undefined);
    await Promise.race([turn.result.catch(() => undefined), tab.death]);
    finished.push(...events.filter(({ type }) => type === 'turn-finished'));
    if (!tab.isDead()) last = runtime;
  }
  if (last === undefined) throw new Error('all tabs died');
  expect(await last.turn('go', { inputId: 't' }).result).toMatchObject({ status: 'completed' });
  expect(finished.length).toBeLessThanOrEqual(1);
  expect(await last.pendingTurns()).toEqual([]);
  expect(last.usage().total).toMatchObject({ inputTokens: 30, outputTokens: 15 });
  expect(last.view().turn).toBeNull();
  const store = await origin.open('s', { kind: 'open' });
  const { nodes } = await store.load({ kind: 'path' });
  expect(await store.load({ kind: 'all' })).toMatchObject({ head: { nodeCount: nodes.length + 1 } });
  for (const node of offPath) expect(await store.loadNode(node.id)).toEqual(node);
  await last.close();
  return { world, nodes };
}

/** What law TU3 allows: `look` again after each death, the others once, or not and nobody knows. */
function check({ world, nodes }: Outcome, deaths: number): void {
  expect(nodes).toHaveLength(7);
  expect(world.runs.look).toBeGreaterThanOrEqual(1);
  expect(world.runs.look).toBeLessThanOrEqual(1 + deaths);
  for (const tool of ['pay', 'erase'] as const) {
    const outcome = nodes
      .flatMap(({ body }) => (body.kind === 'tool' && body.invocation.tool === tool ? [body.invocation] : []))
      .at(-1)?.outcome;
    const isKnown = outcome?.status === 'success';
    expect(outcome).toMatchObject(isKnown ? {} : { status: 'failure', code: 'ToolOutcomeUnknown' });
    expect(world.runs[tool]).toBeLessThanOrEqual(1);
    expect(world.runs[tool]).toBeGreaterThanOrEqual(isKnown ? 1 : 0);
  }
}

describe('a turn whose tab dies', () => {
  it('[TU3] has the seams that the matrix was made for', async () => {
    let tab: MortalTab | undefined;
    const outcome = await play((make) => [(tab = make())]);
    expect(tab?.writes).toEqual(SEAMS);
    expect(outcome.world.runs).toEqual({ look: 1, pay: 1, erase: 1 });
    check(outcome, 0);
  });

  const deaths = SEAMS.flatMap((name, write) =>
    (['before', 'after'] as const).map((when) => ({ write, when, name })),
  );

  it.each(deaths)(
    '[TU1][TU3][TU4][TU6] $when write $write ($name): another tab goes on, and the turn ends once',
    async ({ write, when }) => {
      check(await play((tab) => [tab({ write, when })]), 1);
    },
  );

  it.each(PLACES)('[TU3][TU6] %s: a tool that may not run again does not', async (place) => {
    const outcome = await play((make, world) => {
      const tab = make();
      let isFirst = true;
      world.at = async (where) => {
        if (where !== place || !isFirst) return;
        isFirst = false;
        await tab.kill();
      };
      return [tab];
    });
    check(outcome, 1);
    expect(outcome.world.runs).toMatchObject({ pay: 1, erase: 1 });
    expect(LOOKS[place]).toContain(outcome.world.runs.look);
  });

  it('[TU3][TU6] whoever goes on may die as well, at any write', async () => {
    const pairs = deaths.flatMap((first, index) =>
      SEAMS.map(
        (_, write) => [first, { write, when: (index + write) % 2 === 0 ? 'before' : 'after' }] as const,
      ),
    );
    for (let pair = 0; pair < pairs.length; pair += STRIDE) {
      const [first, second] = pairs[pair]!;
      check(await play((tab) => [tab(first), tab(second)]), 2);
    }
  }, 300_000);
});
