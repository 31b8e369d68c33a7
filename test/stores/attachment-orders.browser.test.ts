import { describe, expect, test } from 'vitest';
import { server } from 'vitest/browser';

import { isLashError } from '../../src/core/error.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { keysOf } from '../../src/stores/indexeddb/rows/schema.ts';
import { equal } from '../../src/testing/assert.ts';
import { AttachmentBench, Fibre, inEveryOrder, interleave, META } from './attachment-bench.ts';

const CHUNK = 256 * 1024;
const STEPS = ['put', 'commit', 'condemn', 'remove', 'put again', 'commit again'] as const;
const STARTS = ['absent', 'stored', 'put interrupted', 'sweep interrupted'] as const;

type Step = (typeof STEPS)[number];

function ordersOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) =>
    ordersOf(items.filter((_, other) => other !== at)).map((order) => [item, ...order]),
  );
}

/** Another blob for each turn, so that one database serves all. */
function blobOf(turn: number | string): Blob {
  return new Blob([`blob ${turn}`]);
}

async function idOf(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function holds(bench: AttachmentBench, id: string, blob: Blob): Promise<void> {
  const stored = await bench.store.get(id);
  if ((await stored.text()) !== (await blob.text())) throw new Error('the bytes differ');
}

/** Chunks without a row would never be found again, should their writer end now. */
async function hasNoLooseChunk(bench: AttachmentBench, id: string): Promise<void> {
  const options = { stores: ['attachments', 'chunks'], mode: 'readonly', counts: newCounts() } as const;
  const [row, keys] = await bench.database.transaction(options, (rows) =>
    Promise.all([rows.get('attachments', id), rows.getKeys('chunks', keysOf([id]), { limit: 1 })]),
  );
  if (row === undefined) equal(keys, [], 'chunks without a row');
}

/** Lets somebody begin and never go on after so many transactions. */
async function abandon(
  transactions: number,
  run: (gate: () => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const fibre = new Fibre(run);
  await fibre.idle();
  for (let done = 0; done < transactions; done++) await fibre.step();
  if (fibre.ended) throw new Error('it ended before it could be abandoned');
}

async function begin(
  bench: AttachmentBench,
  blob: Blob,
  id: string,
  start: (typeof STARTS)[number],
): Promise<void> {
  if (start === 'put interrupted') {
    await abandon(2, (gate) => bench.storeBehind(bench.gated(gate)).put(blob, META));
  } else if (start !== 'absent') {
    await bench.store.put(blob, META);
  }
  if (start === 'sweep interrupted') {
    await abandon(2, (gate) => bench.sweep({ candidates: [id] }, bench.gated(gate)));
  }
}

interface Model {
  state: 'absent' | 'stored' | 'condemned';
  adopted: boolean;
}

/** One order, with a model of what is stored, what a sweep has condemned, and what is referred to. */
async function runOrder(bench: AttachmentBench, order: readonly Step[]): Promise<void> {
  const blob = blobOf(order.join());
  const id = await idOf(blob);
  const sweep = new Fibre((gate) => bench.sweep({ candidates: [id] }, bench.gated(gate)));
  const model: Model = { state: 'absent', adopted: false };
  for (const step of order) {
    await perform(bench, step, blob, sweep, model);
    if (model.state === 'stored') await holds(bench, id, blob);
    else equal(await bench.store.find(id), null, order.join());
  }
  const chunks = (await bench.chunkKeys()).filter((key) => (key as string[])[0] === id);
  equal(chunks.length, model.state === 'absent' ? 0 : 1, order.join());
}

async function perform(
  bench: AttachmentBench,
  step: Step,
  blob: Blob,
  sweep: Fibre,
  model: Model,
): Promise<void> {
  switch (step) {
    case 'put':
    case 'put again':
      await bench.store.put(blob, META);
      model.state = 'stored';
      return;
    case 'commit':
    case 'commit again':
      equal(await bench.commit([await idOf(blob)]), model.state === 'stored', step);
      model.adopted ||= model.state === 'stored';
      return;
    case 'condemn':
      await sweep.idle();
      await sweep.step();
      if (!sweep.ended) await sweep.step();
      if (model.state === 'stored' && !model.adopted) model.state = 'condemned';
      return;
    default:
      await sweep.finish();
      if (model.state === 'condemned') model.state = 'absent';
  }
}

/** The order of the transactions is the test's own, whatever the engine: one of them runs all of it, which takes long. */
const isChosen = server.config.name === 'chromium';

describe.runIf(isChosen)(
  '[ST11] (Chromium only: the orders do not depend on the engine) a committed reference never lacks its bytes',
  () => {
    test('[AT7] in all 360 orders of put, commit, condemn, remove, put again, commit again', () =>
      AttachmentBench.run(async (bench) => {
        const orders = ordersOf(STEPS).filter((order) => order.indexOf('condemn') < order.indexOf('remove'));
        expect(orders).toHaveLength(360);
        for (const order of orders) await runOrder(bench, order);
      }));

    test.each(STARTS)(
      '[AT7] in all orders of the transactions of put, sweep and commit; before: %s',
      (start) =>
        AttachmentBench.run(async (bench) => {
          const seen = new Set<string>();
          const turns = await inEveryOrder(async (choose, turn) => {
            const blob = blobOf(turn);
            const id = await idOf(blob);
            await begin(bench, blob, id, start);
            let committed = false;
            const fibres = [
              new Fibre((gate) => bench.storeBehind(bench.gated(gate)).put(blob, META)),
              new Fibre((gate) => bench.sweep({ candidates: [id] }, bench.gated(gate))),
              new Fibre(async (gate) => {
                committed = await bench.commit([id], 'session', bench.gated(gate));
              }),
            ];
            await interleave(fibres, choose, async () => {
              if (committed) await holds(bench, id, blob);
              await hasNoLooseChunk(bench, id);
            });
            const stored = (await bench.store.find(id)) !== null;
            if (stored) await holds(bench, id, blob);
            seen.add(`${committed ? 'committed' : 'not found'}, ${stored ? 'stored' : 'removed'}`);
          });
          expect(turns).toBeGreaterThan(20);
          expect([...seen].toSorted()).toEqual([
            'committed, stored',
            'not found, removed',
            'not found, stored',
          ]);
        }),
    );

    test('[AT7] in all orders of the transactions of two puts and a removal, after a sweep took what one wrote', () =>
      AttachmentBench.run(async (bench) => {
        const turns = await inEveryOrder(async (choose, turn) => {
          const blob = blobOf(turn);
          const id = await idOf(blob);
          await begin(bench, blob, id, 'put interrupted');
          const sweep = new Fibre((gate) => bench.sweep({ candidates: [id] }, bench.gated(gate)));
          const put = (gate: () => Promise<void>): Promise<unknown> =>
            bench.storeBehind(bench.gated(gate)).put(blob, META);
          const [first, second] = [new Fibre(put), new Fibre(put)];
          for (const next of [sweep, first, sweep, second]) {
            await next.idle();
            await next.step();
          }
          await interleave([first, second, sweep], choose, async () => {
            if ((await bench.store.find(id)) !== null) await holds(bench, id, blob);
          });
          expect(await bench.commit([id])).toBe(true);
          await holds(bench, id, blob);
        });
        expect(turns).toBeGreaterThan(50);
      }));

    test('[AT4] in all orders of the transactions of get and sweep: all bytes, or AttachmentNotFound', () =>
      AttachmentBench.run(async (bench) => {
        const seen = new Set<string>();
        await inEveryOrder(async (choose, turn) => {
          const blob = new Blob([`${turn}`, new Uint8Array(2 * CHUNK)]);
          const { id } = await bench.store.put(blob, META);
          let size: number | string = 0;
          const get = async (gate: () => Promise<void>): Promise<void> => {
            try {
              ({ size } = await bench.storeBehind(bench.gated(gate)).get(id));
            } catch (error) {
              if (!isLashError(error)) throw error;
              size = error.code;
            }
          };
          const fibres = [
            new Fibre(get),
            new Fibre((gate) => bench.sweep({ candidates: [id] }, bench.gated(gate))),
          ];
          await interleave(fibres, choose, async () => undefined);
          seen.add(size === blob.size ? 'all' : String(size));
        });
        expect([...seen].toSorted()).toEqual(['AttachmentNotFound', 'all']);
      }));
  },
);
