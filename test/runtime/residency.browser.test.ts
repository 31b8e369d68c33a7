import { afterEach, describe, expect, it } from 'vitest';

import type { Residency } from '../../src/contract/environment.ts';
import { reduceView } from '../../src/core/view.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { residencyConformance } from '../../src/testing/residency-conformance.ts';
import type { ResidencyContext } from '../../src/testing/residency-context.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { openDatabase } from '../support/open-database.ts';
import { finish, type Play, plays, policy, text } from './support.ts';

const RESIDENCIES: readonly Residency[] = ['KeepAll', 'ActivePathOnly'];
const answers = (...texts: string[]): ReturnType<typeof plays> =>
  plays(...texts.map((value): Play => [text(value), finish()]));
const opened: { readonly runtimes: LashRuntime[]; readonly databases: IndexedDbDatabase[] } = {
  runtimes: [],
  databases: [],
};

afterEach(async () => {
  for (const runtime of opened.runtimes.splice(0)) await runtime.close();
  for (const database of opened.databases.splice(0)) {
    await database.close();
    indexedDB.deleteDatabase(database.name);
  }
});

/** Opens the session `s` of a database as a new page would: with a connection, an environment and stores of its own. */
async function open(
  name: string,
  residency: Residency,
  provider: ReturnType<typeof plays>,
): Promise<LashRuntime> {
  const environment = environmentOf(name, residency);
  const options = { sessionId: 's', mode: 'openOrCreate', policy, providers: { fake: provider } } as const;
  const runtime = await LashRuntime.open(environment, options);
  opened.runtimes.push(runtime);
  return runtime;
}

function environmentOf(
  name: string,
  residency: Residency,
  limits: { readonly residentBytes?: number } = {},
): ReturnType<ReturnType<typeof RuntimeEnvironment.builder>['build']> {
  const database = openDatabase(name);
  opened.databases.push(database);
  return RuntimeEnvironment.builder()
    .withResidency(residency)
    .withLimits(limits)
    .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
    .withAttachmentStore(new IndexedDbAttachmentStore(database))
    .build();
}

function diskContext(): ResidencyContext {
  const name = `residency-${crypto.randomUUID()}`;
  const kept = (runtime: LashRuntime): LashRuntime => {
    opened.runtimes.push(runtime);
    return runtime;
  };
  return {
    environment: async (residency, residentBytes) =>
      environmentOf(name, residency, residentBytes === undefined ? {} : { residentBytes }),
    elsewhere: async () => environmentOf(`${name}-elsewhere`, 'ActivePathOnly'),
    open: async (environment, options) => kept(await LashRuntime.open(environment, options)),
    resume: async (parked, environment, options) =>
      kept(await LashRuntime.resume(parked, environment, options)),
  };
}

describe('residency on IndexedDB', () => {
  for (const { name, run } of residencyConformance) {
    it(name, async () => await run(diskContext()), 60_000);
  }
});

async function pathLength(runtime: LashRuntime): Promise<number> {
  const { window } = await runtime.readView({ limit: 500 });
  return window.start + window.nodes.length;
}

/** Nothing off the path is in memory, and all of the path is. */
async function expectPathOnly(runtime: LashRuntime): Promise<void> {
  expect(runtime.residentNodes).toBe(await pathLength(runtime));
}

const note = (data: string): { kind: 'plugin'; pluginType: string; data: string } => ({
  kind: 'plugin',
  pluginType: 'note',
  data,
});

describe('a session in IndexedDB', () => {
  it('[RE2][RE3] ActivePathOnly holds the path and nothing off it after open, turn, append, branch and refresh', async () => {
    const name = `residency-${crypto.randomUUID()}`;
    const runtime = await open(name, 'ActivePathOnly', answers('one', 'two', 'three', 'four'));
    expect(runtime.residentNodes).toBe(0);
    await runtime.turn('first').result;
    await runtime.turn('second').result;
    await expectPathOnly(runtime);
    const old = runtime.view().head.leaf;
    await runtime.turn('edited', { from: null }).result;
    expect(runtime.residentNodes).toBe(2);
    await expectPathOnly(runtime);
    await runtime.appendSessionNodes({ nodes: [note('a'), note('b')] });
    expect(runtime.residentNodes).toBe(4);
    await runtime.branchToNode(old);
    expect(runtime.residentNodes).toBe(4);
    await expectPathOnly(runtime);
    expect(runtime.view().head.nodeCount).toBe(8);

    const other = await open(name, 'ActivePathOnly', answers('elsewhere'));
    expect(other.residentNodes).toBe(4);
    await other.turn('from another page', { from: null }).result;
    expect(other.residentNodes).toBe(2);
    const theirs = other.view().head.leaf;
    await runtime.appendSessionNodes({ nodes: [note('c')] });
    expect(runtime.residentNodes).toBe(3);
    await expectPathOnly(runtime);
    expect(runtime.view().window.nodes.at(-1)?.parentId).toBe(theirs);
  });

  it('[RE1] KeepAll holds every node', async () => {
    const runtime = await open(`residency-${crypto.randomUUID()}`, 'KeepAll', answers('one', 'two'));
    await runtime.turn('first').result;
    await runtime.turn('edited', { from: null }).result;
    expect(runtime.residentNodes).toBe(4);
  });

  it.each(RESIDENCIES)(
    '[RE5] a branch survives a reopen, and the next turn goes on from it (%s)',
    async (residency) => {
      const name = `residency-${crypto.randomUUID()}`;
      const first = await open(name, residency, answers('one', 'two'));
      await first.turn('first').result;
      const answer = first.view().head.leaf;
      const [question] = first.view().window.nodes;
      await first.turn('edited', { from: null }).result;
      const [off] = first.view().window.nodes;
      await first.branchToNode(answer);
      await first.close();

      const provider = answers('three');
      const again = await open(name, residency, provider);
      expect(again.view().head.leaf).toBe(answer);
      expect(again.view().branches[question?.id ?? '']?.siblings).toHaveLength(2);
      await again.turn('and then').result;
      expect(JSON.stringify(provider.requests[0]?.messages)).toMatch(/first.*one.*and then/u);
      expect(again.view().window.nodes[2]?.parentId).toBe(answer);
      expect(again.residentNodes).toBe(residency === 'KeepAll' ? 6 : 4);
      expect(await again.getHistoricNode(off?.id ?? '')).toEqual(off);
      expect(again.residentNodes).toBe(residency === 'KeepAll' ? 6 : 4);
    },
  );

  it.each(RESIDENCIES)(
    '[RE5] a history survives closing and reopening, node by node (%s)',
    async (residency) => {
      const name = `residency-${crypto.randomUUID()}`;
      const long = 'x'.repeat(70_000);
      const first = await open(name, residency, answers('one', 'two'));
      let view = first.view();
      first.subscribe((event) => (view = reduceView(view, event)));
      await first.turn(long).result;
      await first.turn('second').result;
      const { head, window } = first.view();
      expect(view).toEqual(first.view());
      await first.close();

      const provider = answers('three');
      const again = await open(name, residency, provider);
      expect(again.view()).toMatchObject({ head, window });
      await again.turn('third').result;
      expect(provider.requests[0]?.messages[0]?.parts).toEqual([{ type: 'text', text: long }]);
      expect(again.usage().total.inputTokens).toBe(30);
    },
  );
});
