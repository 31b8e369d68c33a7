import { type Clock, systemClock } from '../../src/contract/clock.ts';
import { toWireError } from '../../src/core/error.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';

/** A tab's worker that does what it is told to with session `s`. Answers are data; errors come as their codes. */
const DATABASE = 'frozen';
const policy = { provider: { id: 'slow', model: 'slow' } };
let runtime: LashRuntime | undefined;
let stopHolding = (): void => undefined;

const beacon = new BroadcastChannel('beacon');
let onBeacon = (): void => undefined;
beacon.onmessage = ({ data }) => {
  if (data === 'there?') beacon.postMessage('yes');
  else onBeacon();
};

function session(): LashRuntime {
  if (runtime === undefined) throw new Error('not opened');
  return runtime;
}

/** A hidden tab on a busy machine may need longer for its answer than a tab is usually given. */
const patient: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(4 * ms, signal) };

const slow = {
  model: 'slow',
  maxContextTokens: 1000,
  async *stream() {
    yield { type: 'text-delta', text: 'so far' } as const;
    await new Promise(() => undefined);
  },
};

const calls: Readonly<Record<string, (...args: never[]) => unknown>> = {
  open: async () => {
    const database = IndexedDbDatabase.open(DATABASE);
    const environment = RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .build();
    runtime = await LashRuntime.open(environment, {
      sessionId: 's',
      mode: 'openOrCreate',
      policy,
      clock: patient,
      providers: { slow },
    });
  },
  /** Begins a turn that never ends by itself, and resolves with how long its acceptance took, or why it was refused. */
  turn: async (inputId: string) => {
    const began = performance.now();
    const code = await session()
      .turn('hi', { inputId })
      .accepted.then(
        () => 'accepted',
        (error: unknown) => toWireError(error).code,
      );
    return { code, ms: performance.now() - began };
  },
  view: () => {
    const { writer, turn, lastTurn, head } = session().view();
    return {
      writer,
      turnId: turn?.turnId ?? null,
      text: turn?.text ?? null,
      ended: lastTurn?.turnId ?? null,
      depth: head.depth,
    };
  },
  wake: () => session().wake(),
  /** Keeps a transaction open over the whole database until `letGo`, as a tab that froze within one does. */
  hold: async () => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(DATABASE);
      request.onsuccess = () => resolve(request.result);
    });
    const names = [...database.objectStoreNames];
    const heads = database.transaction(names, 'readwrite').objectStore('heads');
    await new Promise<void>((resolve) => {
      let held = true;
      stopHolding = () => void (held = false);
      const again = (): void => {
        resolve();
        if (held) heads.count().onsuccess = again;
        else database.close();
      };
      heads.count().onsuccess = again;
    });
  },
  letGo: () => stopHolding(),
  /** Whether another tab's worker answers within half a second. */
  isOtherAwake: () =>
    new Promise<boolean>((resolve) => {
      onBeacon = () => resolve(true);
      setTimeout(() => resolve(false), 500);
      beacon.postMessage('there?');
    }),
};

self.onmessage = async ({ data }: MessageEvent<{ id: number; name: string; args: never[] }>) => {
  const { id, name, args } = data;
  try {
    self.postMessage({ id, value: await calls[name]?.(...args) });
  } catch (error) {
    self.postMessage({ id, error: toWireError(error).message });
  }
};
