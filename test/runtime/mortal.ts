import type { SessionStoreFactory } from '../../src/contract/store.ts';
import { type Death, type MortalTab, mortalTab as mortalTabOn } from '../../src/testing/mortal-tab.ts';
import { standIn } from '../../src/testing/stand-in.ts';

export type { Death, MortalTab } from '../../src/testing/mortal-tab.ts';

/** A tab on `origin`, which passes for a store that outlives the worker. */
export function mortalTab(origin: SessionStoreFactory, death?: Death): MortalTab {
  return mortalTabOn(standIn(origin, { persistent: true, database: 'test' }), death);
}
