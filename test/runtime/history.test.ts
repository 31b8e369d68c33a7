import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import type { Residency } from '../../src/contract/environment.ts';
import type { SessionStore } from '../../src/contract/store.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import { totalUsage, type UsageEntry } from '../../src/core/usage.ts';
import { reduceView, type SessionView } from '../../src/core/view.ts';
import { Feed } from '../../src/runtime/feed.ts';
import { History } from '../../src/runtime/history/history.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { answers, expectInStep, openShared, sharedStorage, unavailable } from './stores.ts';
import { openWith, plays, policy } from './support.ts';

const RESIDENCIES: readonly Residency[] = ['KeepAll', 'ActivePathOnly'];
const code = (value: string): object => ({ code: value });
const note = (value: string): NodeDraft => ({
  createdAt: 1,
  body: { kind: 'plugin', pluginType: 'note', data: value },
});
const tokens = (count: number): UsageEntry[] => [
  {
    source: 'turn',
    model: 'm',
    usage: { inputTokens: count, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
  },
];

describe('residency', () => {
  it('[RE1] KeepAll holds every node, also those off the path, from the start and after each change', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one', 'two'));
    await runtime.turn('first').result;
    await runtime.turn('edited', { from: null }).result;
    expect(runtime.view().window.nodes).toHaveLength(2);
    expect(runtime.residentNodes).toBe(4);
    await runtime.close();
    expect((await openShared(storage, plays())).residentNodes).toBe(4);
  });

  it('[RE2] ActivePathOnly holds the path and nothing off it, from the start and after each change', async () => {
    const storage = sharedStorage();
    const provider = answers('one', 'two', 'three');
    const runtime = await openShared(storage, provider, { residency: 'ActivePathOnly' });
    await runtime.turn('first').result;
    await runtime.turn('more').result;
    const old = runtime.view().head.leaf;
    await runtime.turn('edited', { from: null }).result;
    expect(runtime.residentNodes).toBe(2);
    await runtime.branchToNode(old);
    expect(runtime.residentNodes).toBe(4);
    await runtime.appendSessionNodes({ nodes: [note('x').body] });
    expect(runtime.residentNodes).toBe(5);
    await runtime.close();
    expect((await openShared(storage, plays(), { residency: 'ActivePathOnly' })).residentNodes).toBe(5);
  });

  it('[RE3] ActivePathOnly with a store that does not outlive the worker is refused with the reason', async () => {
    const { environment } = await openWith(plays());
    const volatile = { ...environment, residency: 'ActivePathOnly' as const };
    await expect(LashRuntime.open(volatile, { mode: 'create', policy })).rejects.toMatchObject({
      code: 'InvalidEnvironment',
      data: { field: 'residency', reason: expect.stringContaining('persistent') as string },
    });
  });

  it.each(RESIDENCIES)('[RE4] getHistoricNode finds any live node and keeps none (%s)', async (residency) => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one', 'two'), { residency });
    await runtime.turn('first').result;
    const [off] = runtime.view().window.nodes;
    await runtime.turn('edited', { from: null }).result;
    const before = runtime.residentNodes;
    expect(await runtime.getHistoricNode(off?.id ?? '')).toEqual(off);
    expect(await runtime.getHistoricNode(runtime.view().head.leaf ?? '')).toEqual(
      runtime.view().window.nodes.at(-1),
    );
    expect(runtime.residentNodes).toBe(before);
    await expect(runtime.getHistoricNode('nowhere.0')).rejects.toMatchObject(code('NodeNotFound'));
  });

  it.each(RESIDENCIES)(
    '[RE5] a branch to a node off the path is stored, and the next turn goes on from it after reopening (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const runtime = await openShared(storage, answers('one', 'two'), { residency });
      await runtime.turn('first').result;
      const answer = runtime.view().head.leaf;
      await runtime.turn('edited', { from: null }).result;
      expect(await runtime.branchToNode(answer)).toBe(answer);
      await expectInStep(runtime, storage);
      await runtime.close();

      const provider = answers('three');
      const again = await openShared(storage, provider, { residency });
      expect(again.view().head.leaf).toBe(answer);
      await again.turn('and then').result;
      const read = JSON.stringify(provider.requests[0]?.messages);
      expect(read).toContain('one');
      expect(read).not.toContain('two');
      expect(again.view().window.nodes[2]?.parentId).toBe(answer);
      await expectInStep(again, storage);
    },
  );

  it.each(RESIDENCIES)('[RE5] an unknown node is refused and nothing moves (%s)', async (residency) => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'), { residency });
    await runtime.turn('first').result;
    const { head } = runtime.view();
    await expect(runtime.branchToNode('nowhere.0')).rejects.toMatchObject(code('NodeNotFound'));
    expect(runtime.view().head).toBe(head);
  });

  it('[RE5] a refused turn leaves the head where it was, also when it was to go on off the path', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'), { residency: 'ActivePathOnly' });
    await runtime.appendSessionNodes({ nodes: [note('no question').body] });
    const off = runtime.view().head.leaf;
    await runtime.turn('first', { from: null }).result;
    const { head } = runtime.view();
    await expect(runtime.turn(null, { from: off }).result).rejects.toMatchObject(code('InvalidInput'));
    expect(runtime.view().head).toBe(head);
    await expectInStep(runtime, storage);
  });

  it('[RE5] an edit below a node off the path is one commit, and a refused one moves nothing', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one', 'two', 'three'), {
      residency: 'ActivePathOnly',
    });
    await runtime.turn('first').result;
    const off = runtime.view().head.leaf;
    await runtime.turn('edited', { from: null }).result;
    const { head } = runtime.view();
    storage.faults.commit = async () => await Promise.reject(unavailable());
    await expect(runtime.turn('more', { from: off }).result).rejects.toMatchObject(
      code('StorageUnavailable'),
    );
    expect(runtime.view().head).toBe(head);
    delete storage.faults.commit;
    const turn = runtime.turn('more', { from: off });
    await turn.accepted;
    expect(runtime.view().head.revision).toBe(head.revision + 1);
    await turn.result;
    await expectInStep(runtime, storage);
  });
});

describe('memory and storage', () => {
  const commands = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 7 }), at: fc.nat() }),
      fc.record({ kind: fc.constant('branch'), count: fc.constant(0), at: fc.nat() }),
      fc.record({ kind: fc.constant('usage'), count: fc.nat(5), at: fc.nat() }),
      fc.record({ kind: fc.constant('other writer'), count: fc.integer({ min: 1, max: 3 }), at: fc.nat() }),
      fc.record({ kind: fc.constant('reopen'), count: fc.constant(0), at: fc.nat() }),
    ),
    { maxLength: 12 },
  );

  it.each(RESIDENCIES)(
    '[ST7] head, ledger and path are in step at every event, and the events add up to what is stored (%s)',
    async (residency) => {
      await fc.assert(
        fc.asyncProperty(commands, async (program) => {
          const factory = new InMemorySessionStoreFactory({ commitBudget: { rows: 3, bytes: 1_000_000 } });
          const writer = await factory.open('s', { kind: 'create', title: '', policy, at: 0 });
          const feed = new Feed();
          const history = await load(writer, feed, residency);
          let view = viewOf(history);
          let events = 0;
          feed.subscribe((event) => {
            view = reduceView(view, event);
            events++;
            expect('head' in event ? event.head : history.head).toBe(history.head);
            expect(history.head.leaf).toBe(history.path.leaf);
            expect(history.head.usage).toEqual(totalUsage(history.ledger));
            expect(view.window.nodes.at(-1)?.id ?? null).toBe(history.path.leaf);
          });
          const other = await factory.open('s', { kind: 'open' });
          const known: (string | null)[] = [null];
          let operations = 0;
          for (const { kind, count, at } of program) {
            const parent = known[at % known.length] ?? null;
            const operationId = `op${operations++}`;
            const before = events;
            let appends = 0;
            await history.prepareToWrite();
            if (kind === 'append') {
              const nodes = Array.from({ length: count }, (_, index) => note(`${operationId} ${index}`));
              known.push((await history.append({ operationId, parent, nodes, usage: tokens(1) })).leaf);
              appends = Math.ceil(count / 3);
            } else if (kind === 'branch') {
              await history.branch(operationId, parent);
            } else if (kind === 'usage') {
              await history.append({ operationId, parent, nodes: [], usage: tokens(count) });
            } else if (kind === 'other writer') {
              known.push(await writeElsewhere(other, operationId, parent, count));
              await history.prepareToWrite();
            }
            expect(events - before).toBeGreaterThanOrEqual(appends);
            const { head, nodes, ledger } = await other.load({ kind: 'path' });
            expect(history.head).toEqual(head);
            expect([...history.path.nodes]).toEqual(nodes);
            expect(history.ledger).toEqual(ledger);
            expect(view.head).toEqual(head);
            expect(view.window.nodes).toEqual(nodes.slice(view.window.start));
            const all = (await other.load({ kind: 'all' })).nodes.length;
            expect(history.residentNodes).toBe(residency === 'KeepAll' ? all : nodes.length);
          }
        }),
        { seed: 20_240_601, numRuns: 60 },
      );
    },
  );

  async function load(store: SessionStore, feed: Feed, residency: Residency): Promise<History> {
    const attachments = new InMemoryAttachmentStore();
    const secrets = new SecretVault();
    const budget = { rows: 3, bytes: 1_000_000 };
    const residentBytes = 1_000_000;
    return await History.load({ store, attachments, budget, residency, residentBytes, secrets, feed });
  }

  function viewOf(history: History): SessionView {
    const rest = {
      sessionId: 's',
      title: '',
      branches: {},
      turn: null,
      queue: [],
      lastTurn: null,
      damage: null,
      plugins: {},
      tasks: [],
      writer: 'nobody',
    } as const;
    return { ...rest, head: history.head, window: history.window() };
  }

  async function writeElsewhere(
    store: SessionStore,
    operationId: string,
    parentId: string | null,
    count: number,
  ): Promise<string | null> {
    const epoch = await store.takeLease();
    const { head } = await store.load({ kind: 'head' });
    const nodes = Array.from({ length: count }, () => note('elsewhere'));
    const change = { kind: 'append', parentId, nodes } as const;
    const request = { operationId, expectedRevision: head.revision, epoch, change, usage: tokens(2) };
    return (await store.commit(request)).leaf;
  }

  it('[ST7] a reload that cannot be read whole leaves revision, ledger and path as they were', async () => {
    const factory = new InMemorySessionStoreFactory();
    const store = await factory.open('s', { kind: 'create', title: '', policy, at: 0 });
    for (const residency of RESIDENCIES) {
      const history = await load(store, new Feed(), residency);
      const { head, path, ledger } = history;
      await writeElsewhere(store, `op-${residency}`, null, 3);
      const broken = vi.spyOn(store, 'load').mockImplementation(async (scope) => {
        const snapshot = await (await factory.open('s', { kind: 'open' })).load(scope);
        return { ...snapshot, nodes: snapshot.nodes.toSpliced(-2, 1) };
      });
      await expect(history.prepareToWrite()).rejects.toMatchObject(code('StoredDataCorrupt'));
      expect(history).toMatchObject({ head, path, ledger });
      broken.mockRestore();
      await history.prepareToWrite();
      expect(history.path.depth).toBe(3);
    }
  });

  it('what the host changes after it gave it to the runtime changes no history', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'));
    const part = { type: 'text' as const, text: 'asked' };
    await runtime.turn({ parts: [part] }).result;
    part.text = 'changed';
    const data = { list: ['given'] };
    await runtime.appendSessionNodes({ nodes: [{ kind: 'plugin', pluginType: 'x', data }] });
    data.list.push('changed');
    expect(JSON.stringify(runtime.view().window.nodes)).not.toContain('changed');
    await expectInStep(runtime, storage);
  });
});

describe('what another tab appended', () => {
  it.each(RESIDENCIES)('[FO1][ST19] is read alone, whatever is in memory: %s', async (residency) => {
    const storage = sharedStorage();
    const one = await openShared(storage, answers('one', 'two'), { residency });
    const notes = Array.from({ length: 30 }, (_, index) => note(String(index)).body);
    await one.appendSessionNodes({ nodes: notes });
    const other = await openShared(storage, answers(), { residency });
    let read = 0;
    storage.faults.load = async (scope, proceed) => {
      const snapshot = await proceed();
      if (scope.kind !== 'head') read += snapshot.nodes.length;
      return snapshot;
    };
    await one.turn('go on').result;
    await eventually(() => expect(other.view().head).toEqual(one.view().head));
    expect(read).toBe(2);
    delete storage.faults.load;
    await expectInStep(other, storage);
    expect(other.residentNodes).toBe(32);
    expect(await other.getHistoricNode(other.view().head.leaf ?? '')).toBeDefined();
  });

  it.each(RESIDENCIES)(
    '[FO1][RE1] is read with all that came with it, where it left the path: %s',
    async (residency) => {
      const storage = sharedStorage();
      const one = await openShared(storage, answers('one', 'two', 'three'), { residency });
      await one.turn('first').result;
      const [question] = one.view().window.nodes;
      const other = await openShared(storage, answers(), { residency });
      await one.turn(null, { from: question?.id ?? null }).result;
      await one.turn('second').result;
      await eventually(() => expect(other.view().head).toEqual(one.view().head));
      await expectInStep(other, storage);
      expect(other.view().branches).toEqual(one.view().branches);
    },
  );
});
