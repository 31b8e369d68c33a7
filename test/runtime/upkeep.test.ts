import { describe, expect, it } from 'vitest';

import type { Residency } from '../../src/contract/environment.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import { prependOlder, reduceView, type SessionView } from '../../src/core/view.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import {
  answers,
  expectInStep,
  openShared,
  type SharedStorage,
  sharedStorage,
  unavailable,
} from './stores.ts';
import { plays } from './support.ts';

const RESIDENCIES: readonly Residency[] = ['KeepAll', 'ActivePathOnly'];
const notes = (count: number, data = 'x') =>
  Array.from({ length: count }, () => ({ kind: 'plugin', pluginType: 'note', data }) as const);

/** A path of two nodes whose first has a sibling off the path, and the ids of the orphans. */
async function withOrphans(runtime: LashRuntime): Promise<readonly string[]> {
  const { nodeIds } = await runtime.appendSessionNodes({ nodes: notes(2) });
  await runtime.branchToNode(null);
  await runtime.appendSessionNodes({ nodes: notes(2) });
  expect(Object.keys(runtime.view().branches)).toHaveLength(1);
  return nodeIds.toReversed();
}

const unreadable = (storage: SharedStorage): void => {
  storage.faults.load = async () => await Promise.reject(unavailable());
};

describe('maintenance of a session that is open', () => {
  it.each(RESIDENCIES)(
    '[ST10] tells what it did although that cannot be seen yet, and the next read shows it (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const runtime = await openShared(storage, plays(), { residency });
      const orphans = await withOrphans(runtime);
      const report = await runtime.maintain(async (store) => {
        const done = await store.tombstoneNodes(orphans);
        unreadable(storage);
        return done;
      });
      expect(report.tombstoned).toEqual(orphans);
      const { head } = runtime.view();
      await expect(runtime.readView()).rejects.toMatchObject({ code: 'StorageUnavailable' });
      expect(runtime.view().head).toBe(head);
      delete storage.faults.load;

      await expect(runtime.getHistoricNode(orphans[0] ?? '')).rejects.toMatchObject({ code: 'NodeNotFound' });
      await expectInStep(runtime, storage);
      expect(runtime.view().branches).toEqual({});
      expect(runtime.residentNodes).toBe(2);
    },
  );

  it('[ST10] shows what could not be seen before the next write, and what failed is told as it failed', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'));
    const orphans = await withOrphans(runtime);
    await runtime.maintain(async (store) => {
      await store.tombstoneNodes(orphans);
      unreadable(storage);
    });
    const failed = runtime.maintain(async () => await Promise.reject(new Error('its own')));
    await expect(failed).rejects.toMatchObject({ code: 'Internal', message: 'its own' });
    delete storage.faults.load;
    expect((await runtime.turn('asked').result).status).toBe('completed');
    await expectInStep(runtime, storage);
    expect(runtime.view().branches).toEqual({});
    expect(runtime.residentNodes).toBe(4);
  });

  it.each(RESIDENCIES)(
    '[RE2] leaves a reader who has scrolled up where he is, and what did not change the same (%s)',
    async (residency) => {
      const storage = sharedStorage();
      const runtime = await openShared(storage, plays(), { residency });
      await withOrphans(runtime);
      await runtime.appendSessionNodes({ nodes: notes(300) });
      const [follower, reader] = [await openShared(storage, plays(), { residency }), runtime.view()];
      const newest = { start: 202, nodes: reader.window.nodes.slice(-100) };
      let page: SessionView = { ...follower.view(), window: newest };
      const older = await follower.readView({ before: 202, limit: 202 });
      page = prependOlder(page, older.window, older.branches);
      expect([page.window.start, Object.keys(page.branches)]).toEqual([0, [page.window.nodes[0]?.id]]);
      const shown = page;
      const events: SessionEvent['type'][] = [];
      follower.subscribe((event) => {
        events.push(event.type);
        page = reduceView(page, event);
      });

      await follower.maintain(async (store) => await store.vacuum());
      expect([page, events]).toEqual([shown, []]);
      await runtime.maintain(async (store) => {
        const { items } = await store.orphanedNodeIds({});
        return await store.tombstoneNodes(items);
      });
      await follower.wake();
      expect(events).toEqual(['head-changed', 'branches-changed']);
      expect(page.head).toEqual(runtime.view().head);
      expect(page.window).toBe(shown.window);
      expect(page.branches).toEqual({});
      const { branches } = page;
      await follower.maintain(async (store) => await store.vacuum());
      await follower.wake();
      expect([page.window === shown.window, page.branches === branches]).toEqual([true, true]);
      expect(page.head).toEqual((await storage.stored('s')).head);
    },
  );
});
