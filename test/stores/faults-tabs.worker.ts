import { toWireError } from '../../src/core/error.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import type { RowTransaction } from '../../src/stores/indexeddb/rows/row-transaction.ts';

/** A tab's worker with one number in a database. Answers are data; errors come as their codes. */
const counts = newCounts();
const database = IndexedDbDatabase.open('faults-tabs');
const events: string[] = [];
database.onEvent(({ kind }) => void events.push(kind));

const beacon = new BroadcastChannel('beacon');
let onBeacon = (): void => undefined;
beacon.onmessage = ({ data }) => {
  if (data === 'there?') beacon.postMessage('yes');
  else onBeacon();
};

const transaction = { goesOn: false };

async function read(rows: RowTransaction): Promise<number> {
  const row = (await rows.get('tombs', ['counter', 0])) as { readonly from: number } | undefined;
  return row?.from ?? 0;
}

async function add(rows: RowTransaction): Promise<void> {
  rows.put('tombs', { sessionId: 'counter', chain: 0, from: (await read(rows)) + 1 });
}

async function outcomeOf(action: () => Promise<unknown>): Promise<unknown> {
  return await action().then(
    (value) => ({ value: value ?? null }),
    (error: unknown) => ({ code: toWireError(error).code }),
  );
}

const writing = { stores: ['tombs'], mode: 'readwrite', counts } as const;
const reading = { stores: ['tombs'], mode: 'readonly', counts } as const;

const calls: Readonly<Record<string, () => unknown>> = {
  events: () => events,
  read: () => outcomeOf(() => database.transaction(reading, read)),
  add: () => outcomeOf(() => database.transaction(writing, add)),
  /** Adds 1 in a transaction that goes on until `letGo`. */
  hold: async () => {
    transaction.goesOn = true;
    await new Promise<void>((resolve) => {
      void database.transaction(writing, async (rows) => {
        await add(rows);
        resolve();
        while (transaction.goesOn) await read(rows);
      });
    });
  },
  letGo: () => {
    transaction.goesOn = false;
  },
  /** Whether another tab's worker answers within half a second. */
  isOtherAwake: () =>
    new Promise<boolean>((resolve) => {
      onBeacon = () => resolve(true);
      setTimeout(() => resolve(false), 500);
      beacon.postMessage('there?');
    }),
};

self.onmessage = async ({ data }: MessageEvent<{ id: number; name: string }>) => {
  const { id, name } = data;
  try {
    self.postMessage({ id, value: await calls[name]?.() });
  } catch (error) {
    self.postMessage({ id, error: toWireError(error).message });
  }
};
