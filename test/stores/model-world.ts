import type { AttachmentStore } from '../../src/contract/attachments.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/memory-database.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { findFaults, readRows } from './raw-check.ts';
import { withDatabase } from './raw-database.ts';

/** What a session still has on disk. */
export interface Remains {
  readonly operations: ReadonlySet<string>;
  readonly checkpoints: ReadonlySet<string>;
  /** Operation and attachment, with a space between. */
  readonly references: ReadonlySet<string>;
}

/** A way to one database, as one tab has it. */
export interface Tab {
  readonly factory: SessionStoreFactory;
  readonly attachments: AttachmentStore;
}

/** An empty database, and what looks at it from below where there is a below. */
export interface ModelWorld {
  readonly clock: ManualClock;
  readonly tabs: readonly [Tab, Tab];
  readonly remains?: (sessionId: string) => Promise<Remains>;
  /** What is wrong with the whole database. */
  readonly faults?: () => Promise<readonly string[]>;
}

/** Runs `body` on sessions in memory. */
export async function inMemory(body: (world: ModelWorld) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const attachments = new InMemoryAttachmentStore({ clock });
  const memory = new MemoryDatabase(attachments);
  const tab = (): Tab => ({ factory: new InMemorySessionStoreFactory({ memory }), attachments });
  await body({ clock, tabs: [tab(), tab()] });
}

/** Runs `body` on an IndexedDB database with two connections. */
export async function inIndexedDb(body: (world: ModelWorld) => Promise<void>): Promise<void> {
  await withDatabase(async ({ name, connect }) => {
    const clock = new ManualClock();
    const tab = (): Tab => {
      const database = connect();
      return {
        factory: new IndexedDbSessionStoreFactory(database),
        attachments: new IndexedDbAttachmentStore(database, { clock }),
      };
    };
    await body({
      clock,
      tabs: [tab(), tab()],
      remains: async (sessionId) => {
        const { receipts, checkpoints, references } = await readRows(name);
        const mine = (row: { readonly sessionId: string }): boolean => row.sessionId === sessionId;
        return {
          operations: new Set(receipts.filter(mine).map(({ operationId }) => operationId)),
          checkpoints: new Set(checkpoints.filter(mine).map(({ nodeId }) => nodeId)),
          references: new Set(references.filter(mine).map(({ operationId, id }) => `${operationId} ${id}`)),
        };
      },
      faults: () => findFaults(name, false),
    });
  });
}
