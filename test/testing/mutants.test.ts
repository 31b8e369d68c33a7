import { describe, expect, test } from 'vitest';

import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { attachmentStoreConformance } from '../../src/testing/attachment-conformance.ts';
import type { AttachmentStoreContext } from '../../src/testing/attachment-context.ts';
import { attachmentMutants } from '../../src/testing/attachment-mutants.ts';
import type { ConformanceCase } from '../../src/testing/conformance-case.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { memoryStoreContext } from '../../src/testing/memory-store-context.ts';
import type { Mutant } from '../../src/testing/mutant.ts';
import { pluginConformance } from '../../src/testing/plugin-conformance.ts';
import { pluginHostConformance } from '../../src/testing/plugin-host-conformance.ts';
import { sessionStoreConformance } from '../../src/testing/store-conformance.ts';
import { storeMutants } from '../../src/testing/store-mutants.ts';
import { hostContext, inMemory } from './plugin-contexts.ts';
import { hostMutants } from './plugin-host-mutants.ts';
import { pluginMutants, soundWords } from './plugin-mutants.ts';

function attachmentContext(): AttachmentStoreContext {
  const clock = new ManualClock();
  const store = new InMemoryAttachmentStore({ maxBytes: 5 * 1024 * 1024, clock });
  return {
    store,
    factory: new InMemorySessionStoreFactory({ attachments: store }),
    reopen: async () => store,
    sweep: async (keepYoungerThanMs) => (await store.attachments()).sweep({ keepYoungerThanMs }),
    pass: (ms) => clock.advance(ms),
    damage: async (id) => (await store.attachments()).damage(id),
  };
}

/** The first case of the law that a mutant breaks that fails it: another case might do so by chance. */
async function killer<Context>(
  mutant: Mutant<Context>,
  suite: readonly ConformanceCase<Context>[],
  context: () => Context,
): Promise<string | undefined> {
  const law = `[${mutant.breaks.slice(0, mutant.breaks.indexOf(':'))}]`;
  for (const { name, run } of suite.filter((one) => one.name.includes(law))) {
    const [outcome] = await Promise.allSettled([run(mutant.make(context()))]);
    if (outcome.status === 'rejected') return name;
  }
  return undefined;
}

function killsAll<Context>(
  mutants: readonly Mutant<Context>[],
  suite: readonly ConformanceCase<Context>[],
  context: () => Context,
): void {
  const table: string[] = [];
  for (const mutant of mutants) {
    test(`${mutant.breaks}: the suite fails "${mutant.name}"`, async () => {
      const found = await killer(mutant, suite, context);
      table.push(`${mutant.name.padEnd(52)} -> ${found ?? 'SURVIVES'}`);
      expect(found).toBeDefined();
    });
  }
  test('each mutant has a name of its own, and the case that fails it is printed', () => {
    expect(new Set(mutants.map((mutant) => mutant.name)).size).toBe(mutants.length);
    expect(table).toHaveLength(mutants.length);
    console.log(`mutant -> the first case that fails it\n${table.join('\n')}`);
  });
}

describe('mutants of the session store', () => {
  killsAll(storeMutants, sessionStoreConformance, memoryStoreContext);
});

describe('mutants of the attachment store', () => {
  killsAll(attachmentMutants, attachmentStoreConformance, attachmentContext);
});

describe('mutants of a plugin', () => {
  killsAll(pluginMutants, pluginConformance, () => ({ ...hostContext(inMemory()), ...soundWords() }));
});

describe('mutants of a host of plugins', () => {
  killsAll(hostMutants, pluginHostConformance, () => hostContext(inMemory()));
});
