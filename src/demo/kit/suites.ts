import {
  attachmentStoreConformance,
  type ConformanceCase,
  leaseConformance,
  pluginConformance,
  pluginHostConformance,
  residencyConformance,
  sessionStoreConformance,
} from 'lash-web/testing';

import { Bench, type SetNow } from './contexts.ts';
import type { KitResult } from './message.ts';

/** A case of a suite, bound to what it runs on. */
interface KitCase {
  readonly suite: string;
  readonly name: string;
  readonly run: (bench: Bench) => Promise<void>;
}

/** How many cases run at once where none of them holds the clock. */
const AT_ONCE = 6;

/** Only a test can reach below the store. */
const NEEDS_DAMAGE = 'where storage can be damaged';

/** Every case of the kit, on this browser's own storage, in groups that run one after the other. */
const GROUPS: readonly { readonly atOnce: number; readonly cases: readonly KitCase[] }[] = [
  {
    atOnce: AT_ONCE,
    cases: [
      ...casesOf('Sessions', sessionStoreConformance, (bench) => bench.sessions()),
      ...casesOf('Residency', residencyConformance, (bench) => bench.residency()),
      ...casesOf('Plugins', pluginHostConformance, (bench) => bench.pluginHost()),
      ...casesOf('The plan', pluginConformance, (bench) => bench.plugin()),
      ...casesOf('Tabs', leaseConformance, (bench) => bench.leases()),
    ],
  },
  { atOnce: 1, cases: casesOf('Attachments', attachmentStoreConformance, (bench) => bench.attachments()) },
];

/** How many cases there are. */
export const CASE_COUNT: number = GROUPS.reduce((total, { cases }) => total + cases.length, 0);

/** Runs every case on databases of its own; `take` gets the results as they come. */
export async function runSuites(setNow: SetNow, take: (result: KitResult) => void): Promise<void> {
  for (const { atOnce, cases } of GROUPS) {
    const waiting = [...cases];
    const runOneByOne = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        take(await runCase(next, setNow));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, runOneByOne));
  }
}

function casesOf<Context>(
  suite: string,
  cases: readonly ConformanceCase<Context>[],
  contextOn: (bench: Bench) => Context | Promise<Context>,
): readonly KitCase[] {
  return cases.map(({ name, run }) => ({
    suite,
    name,
    run: async (bench) => await run(await contextOn(bench)),
  }));
}

async function runCase({ suite, name, run }: KitCase, setNow: SetNow): Promise<KitResult> {
  if (name.includes(NEEDS_DAMAGE)) {
    const detail = 'A page cannot damage the storage of its browser from below; the tests do.';
    return { suite, name, outcome: 'unchecked', detail };
  }
  const bench = new Bench(setNow);
  try {
    await run(bench);
    return { suite, name, outcome: 'passed', detail: '' };
  } catch (error) {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { suite, name, outcome: 'failed', detail };
  } finally {
    await bench.close();
  }
}
