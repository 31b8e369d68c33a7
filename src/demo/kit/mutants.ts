import {
  type ConformanceCase,
  memoryStoreContext,
  type Mutant,
  sessionStoreConformance,
  storeMutants,
} from 'lash-web/testing';

import type { KitResult } from './message.ts';

/** How many broken stores there are. */
export const MUTANT_COUNT: number = storeMutants.length;

/** For each broken store in memory, the case of the suite that sees what is wrong with it. */
export async function* runMutants(): AsyncGenerator<KitResult, void, void> {
  for (const mutant of storeMutants) {
    const killer = await killerOf(mutant, sessionStoreConformance, memoryStoreContext);
    yield {
      suite: 'Broken stores',
      name: `${mutant.name}. It breaks ${mutant.breaks}`,
      outcome: killer === undefined ? 'failed' : 'passed',
      detail: killer === undefined ? 'No case of the suite saw it.' : `Found out by: ${killer}`,
    };
  }
}

/** The first case of the law that a mutant breaks that fails it. */
async function killerOf<Context>(
  mutant: Mutant<Context>,
  suite: readonly ConformanceCase<Context>[],
  context: () => Context,
): Promise<string | undefined> {
  const law = `[${mutant.breaks.slice(0, mutant.breaks.indexOf(':'))}]`;
  for (const { name, run } of suite.filter((one) => one.name.includes(law))) {
    const [ended] = await Promise.allSettled([run(mutant.make(context()))]);
    if (ended.status === 'rejected') return name;
  }
  return undefined;
}
