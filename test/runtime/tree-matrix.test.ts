import { describe, expect, it } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { UsageEntry } from '../../src/core/usage.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { LocalBackgroundTaskHost } from '../../src/tasks/local-background-task-host.ts';
import { home, USED } from './children-support.ts';
import { type Death, type MortalTab, mortalTab } from './mortal.ts';
import { type StoredTree, storedTree } from './stored-tree.ts';
import { MODEL_CALLS, openTree, TREE_PLUGIN } from './tree-script.ts';

/** One in so many deaths is tried; 1 tries all of them. */
const STRIDE = Number(process.env['LASH_MATRIX_STRIDE'] ?? 1);

const openOn = async (factory: SessionStoreFactory): Promise<LashRuntime> =>
  await openTree(home({ factory, plugins: [TREE_PLUGIN], tasks: new LocalBackgroundTaskHost() }));

/** Runs the script in tabs that die one after the other, and in a last one that does not. */
async function play(
  ...deaths: readonly Death[]
): Promise<{ readonly stored: StoredTree; readonly tabs: readonly MortalTab[] }> {
  const origin = new InMemorySessionStoreFactory();
  await (await openOn(origin)).close();
  const tabs = [...deaths, undefined].map((death) => mortalTab(origin, death));
  let last: LashRuntime | undefined;
  for (const tab of tabs) {
    const runtime = await Promise.race([openOn(tab.factory), tab.death]);
    if (runtime === undefined) continue;
    const turn = runtime.turn('go', { inputId: 't' });
    await Promise.race([turn.result.catch(() => undefined), tab.death]);
    if (tab.isDead()) continue;
    last = runtime;
    // Whoever is done before it dies leaves nothing to the next.
    break;
  }
  const result = await last?.turn('go', { inputId: 't' }).result;
  expect(result).toMatchObject({ status: 'completed' });
  await last?.close();
  return { stored: await storedTree(origin), tabs };
}

describe('a turn with a plugin, a child, a grandchild and a background task, whose tab dies', () => {
  it('[CH1] has the ledger that its sessions make', async () => {
    const { stored } = await play();
    const ledger = (sources: readonly (readonly [string, number])[]): readonly UsageEntry[] =>
      sources
        .map(([source, calls]) => {
          const usage = { ...USED };
          for (const field of Object.keys(usage) as (keyof typeof usage)[]) usage[field] *= calls;
          return { source, model: 'fake-1', usage };
        })
        .toSorted((a, b) => (a.source < b.source ? -1 : 1));
    const { turn = 0, helper = 0, digger = 0 } = MODEL_CALLS;
    expect(stored).toMatchObject({
      '/root': {
        ledger: ledger([
          ['turn', turn],
          ['helper', helper],
          ['digger', digger],
        ]),
        pending: [],
      },
      '/helper': {
        ledger: ledger([
          ['turn', helper],
          ['digger', digger],
        ]),
        pending: [],
      },
      'helper/digger': { ledger: ledger([['turn', digger]]), pending: [] },
    });
  });

  it('[CH1][CH3][TU3][PS2][BH6] at any write, before it or behind it: what is stored in the end is as without that', async () => {
    const { stored: expected, tabs } = await play();
    const writes = tabs[0]?.writes ?? [];
    expect(writes.length).toBeGreaterThanOrEqual(20);
    const deaths = writes.flatMap((_, write) =>
      (['before', 'after'] as const).map((when): Death => ({ write, when })),
    );
    for (let at = 0; at < deaths.length; at += STRIDE) {
      const death = deaths[at]!;
      const { stored } = await play(death);
      expect(stored, `${death.when} write ${death.write} (${writes[death.write]})`).toEqual(expected);
    }
  }, 300_000);
});
