import { describe, expect, test } from 'vitest';

import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import type { StoreName } from '../../src/stores/indexeddb/rows/schema.ts';
import { rejects } from '../../src/testing/assert.ts';
import { AttachmentBench, Fibre, META } from './attachment-bench.ts';

const CHUNK = 256 * 1024;
const DAY = 24 * 60 * 60 * 1000;

/** 120 chunks: two transactions of a sweep. */
const LARGE = new Blob([new Uint8Array(119 * CHUNK + 1)]);

/** Writes a row, whatever it is. */
async function put(bench: AttachmentBench, store: StoreName, row: object): Promise<void> {
  const options = { stores: [store], mode: 'readwrite', counts: newCounts() } as const;
  await bench.database.transaction(options, async (rows) => rows.put(store, row as never));
}

/** Begins a put or a sweep and leaves it at a gate for good. */
async function abandon(
  transactions: number,
  run: (gate: () => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const fibre = new Fibre(run);
  await fibre.idle();
  for (let done = 0; done < transactions; done++) await fibre.step();
}

describe('[ST10] a sweep of attachments', () => {
  test('removes at most 100 rows a transaction, and the row that names them last', () =>
    AttachmentBench.run(async (bench) => {
      await bench.anchor();
      const { id } = await bench.store.put(LARGE, META);
      const sweep = new Fibre((gate) => bench.sweep({}, bench.gated(gate)));
      await sweep.idle();
      const left: number[] = [];
      const shown: boolean[] = [];
      while (!sweep.ended) {
        await sweep.step();
        const rows = await bench.rows('attachments');
        left.push((await bench.chunkKeys()).length + rows.length - 2);
        shown.push((await bench.store.find(id)) !== null);
      }
      expect(left).toEqual([121, 121, 121, 22, 0]);
      expect(shown).toEqual([true, true, false, false, false]);
      const report = { status: 'Swept', roots: 1, kept: 1, removed: 1, removedBytes: LARGE.size };
      expect(await sweep.result).toEqual(report);
    }));

  test('stops between transactions when it is told to, and the next one goes on', () =>
    AttachmentBench.run(async (bench) => {
      await bench.anchor();
      const { id } = await bench.store.put(LARGE, META);
      const stop = new AbortController();
      let begun = 0;
      const database = bench.gated(async () => {
        if (begun++ === 3) stop.abort();
      });
      const report = await bench.sweep({ signal: stop.signal }, database);
      expect(report).toMatchObject({ status: 'Incomplete', removed: 0 });
      await rejects(bench.store.get(id), 'AttachmentNotFound');
      expect((await bench.chunkKeys()).length).toBe(22);
      const next = await bench.sweep({ keepYoungerThanMs: DAY });
      expect(next).toEqual({ status: 'Swept', roots: 1, kept: 1, removed: 1, removedBytes: LARGE.size });
      expect(await bench.chunkKeys()).toHaveLength(1);
    }));

  test('that was stopped before it began is Incomplete, and changes nothing', () =>
    AttachmentBench.run(async (bench) => {
      await bench.anchor();
      await bench.store.put(LARGE.slice(0, 5), META);
      const report = await bench.sweep({ signal: AbortSignal.abort() });
      expect(report).toMatchObject({ status: 'Incomplete', removed: 0 });
      expect((await bench.store.list()).items).toHaveLength(2);
    }));

  test('[ST11] a put in the middle of it begins anew and keeps every byte', () =>
    AttachmentBench.run(async (bench) => {
      await bench.anchor();
      const { id } = await bench.store.put(LARGE, META);
      const sweep = new Fibre((gate) => bench.sweep({}, bench.gated(gate)));
      await sweep.idle();
      for (let step = 0; step < 4; step++) await sweep.step();
      expect((await bench.chunkKeys()).length).toBe(1 + 120 - 99);
      const put = new Fibre((gate) => bench.storeBehind(bench.gated(gate)).put(LARGE, META));
      await put.idle();
      await put.step();
      expect(await sweep.finish()).toMatchObject({ status: 'NothingToDo', kept: 2, removed: 0 });
      expect(await bench.store.find(id)).toBeNull();
      await put.finish();
      expect((await bench.store.get(id)).size).toBe(LARGE.size);
    }));

  test('finishes a put that was interrupted once it is old, and a removal at once', () =>
    AttachmentBench.run(async (bench) => {
      await bench.anchor();
      const [half, gone] = [new Blob(['half']), new Blob(['gone'])];
      const { id } = await bench.store.put(gone, META);
      await abandon(2, (gate) => bench.sweep({ candidates: [id] }, bench.gated(gate)));
      await abandon(2, (gate) => bench.storeBehind(bench.gated(gate)).put(half, META));
      expect(await bench.chunkKeys()).toHaveLength(3);
      expect(await bench.sweep({ keepYoungerThanMs: DAY })).toMatchObject({ removed: 1, kept: 2 });
      expect(await bench.chunkKeys()).toHaveLength(2);
      await bench.clock.advance(DAY);
      const late = await bench.sweep({ keepYoungerThanMs: DAY, now: bench.clock.now() });
      expect(late).toMatchObject({ status: 'Swept', removed: 1, kept: 1 });
      expect(await bench.chunkKeys()).toHaveLength(1);
    }));

  test('without a single root removes nothing that is stored, but finishes removals', () =>
    AttachmentBench.run(async (bench) => {
      const { id } = await bench.store.put(new Blob(['condemned']), META);
      await abandon(2, (gate) => bench.sweep({ candidates: [id] }, bench.gated(gate)));
      const stored = await bench.store.put(new Blob(['stored']), META);
      await bench.head({ sessionId: 'deleted', kind: 'live', epoch: 1 });
      await bench.store.put(new Blob(['stored']), META, { sessionId: 'deleted' });
      await bench.head({ sessionId: 'deleted', kind: 'deleted' });
      expect(await bench.sweep()).toMatchObject({ status: 'Refused', roots: 0, kept: 1, removed: 1 });
      expect(await bench.store.find(stored.id)).toEqual(stored);
    }));

  test('of what a deleted session left needs no other root, and keeps what others want', () =>
    AttachmentBench.run(async (bench) => {
      await bench.head({ sessionId: 'other', kind: 'live', epoch: 2 });
      const put = (text: string, sessionId = 'deleted'): Promise<{ readonly id: string }> =>
        bench.store.put(new Blob([text]), META, { sessionId });
      const [own, shared, wanted, stale] = [
        await put('own'),
        await put('shared'),
        await put('wanted', 'other'),
        await put('stale', 'other'),
      ];
      const loose = await put('loose');
      expect(await bench.sweep({ candidates: [own.id, own.id, 'unknown'] })).toMatchObject({ removed: 1 });
      await bench.commit([shared.id], 'other');
      const candidates = [own, shared, wanted].map(({ id }) => id);
      expect(await bench.sweep({ candidates })).toMatchObject({ status: 'NothingToDo', roots: 2, kept: 2 });
      await bench.head({ sessionId: 'other', kind: 'live', epoch: 3 });
      expect(await bench.sweep({ candidates: [stale.id] })).toMatchObject({ status: 'Swept', removed: 1 });
      expect(await bench.store.find(loose.id)).not.toBeNull();
      expect((await bench.rows('intents')).length).toBe(1);
    }));

  test('that meets what cannot be read goes on past it, leaves it, and is Failed by its name', () =>
    AttachmentBench.run(async (bench) => {
      await bench.anchor();
      const ids: string[] = [];
      for (let seed = 0; seed < 130; seed++) {
        ids.push((await bench.store.put(new Blob([`${seed}`]), META)).id);
      }
      const [id = '', ...others] = ids.toSorted();
      await put(bench, 'attachments', { id, state: 'gone' });
      await put(bench, 'attachments', { id: others.at(-1) ?? '', state: 'deleting', token: 'taken' });
      const report = await bench.sweep();
      expect(report).toMatchObject({ status: 'Failed', roots: 1, kept: 3, removed: 128 });
      expect(report.error).toMatchObject({ code: 'StoredDataCorrupt' });
      expect(report.error?.message).toContain(id);
      expect(await bench.rows('attachments')).toHaveLength(3);
      expect(await bench.sweep({ candidates: [id] })).toMatchObject({
        status: 'Failed',
        kept: 1,
        removed: 0,
      });
    }));

  test('keeps what may be wanted by a session that cannot be read, and names the session', () =>
    AttachmentBench.run(async (bench) => {
      await bench.anchor();
      const { id } = await bench.store.put(new Blob(['wanted']), META);
      const { id: both } = await bench.store.put(new Blob(['wanted by another one too']), META);
      await bench.store.put(new Blob(['free']), META);
      await put(bench, 'heads', { sessionId: 'broken', kind: 'live', epoch: 'seven' });
      await bench.head({ sessionId: 'sound', kind: 'live', epoch: 7 });
      for (const row of [
        { id, sessionId: 'broken', epoch: 7 },
        { id: both, sessionId: 'broken', epoch: 7 },
        { id: both, sessionId: 'sound', epoch: 7 },
      ]) {
        await put(bench, 'intents', row);
      }
      const report = await bench.sweep();
      expect(report).toMatchObject({ status: 'Failed', roots: 2, kept: 3, removed: 1 });
      expect(report.error?.data).toMatchObject({ sessionId: 'broken' });
      await put(bench, 'intents', { id, sessionId: 'sound', epoch: 'seven' });
      await put(bench, 'heads', { sessionId: 'broken', kind: 'deleted' });
      const again = await bench.sweep();
      expect(again).toMatchObject({ status: 'Failed', roots: 2, kept: 3, removed: 0 });
      expect(again.error?.message).toContain(`intent to refer to attachment ${id}`);
    }));

  test('without a root that is surely one removes nothing, and names what cannot be read', () =>
    AttachmentBench.run(async (bench) => {
      const { id } = await bench.store.put(new Blob(['wanted']), META);
      await bench.store.put(new Blob(['stored']), META);
      await put(bench, 'heads', { sessionId: 'broken', kind: 'live' });
      await put(bench, 'intents', { id, sessionId: 'broken', epoch: 0 });
      expect(await bench.sweep()).toMatchObject({ status: 'Failed', roots: 0, kept: 2, removed: 0 });
    }));

  test('looks at a hundred attachments a transaction, and at no chunk', () =>
    AttachmentBench.run(async (bench) => {
      for (let seed = 0; seed < 120; seed++) {
        const { id } = await bench.store.put(new Blob([`${seed}`]), META);
        await bench.commit([id]);
      }
      const counts = newCounts();
      expect(await bench.sweep({ counts })).toMatchObject({ roots: 120, kept: 120, removed: 0 });
      expect(counts.transactions).toBe(3);
      expect(counts.rowsRead).toBeLessThanOrEqual(2 * 120 + 2);
      expect(counts.rowsWritten).toBe(0);
    }));
});
