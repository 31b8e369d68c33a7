import { expect } from 'vitest';

import type { AttachmentStore } from '../../src/contract/attachments.ts';
import type { Residency } from '../../src/contract/environment.ts';
import type {
  CommitReceipt,
  CommitRequest,
  LoadScope,
  SessionSnapshot,
  SessionStore,
  SessionStoreFactory,
} from '../../src/contract/store.ts';
import type { TurnRecord } from '../../src/contract/turn-store.ts';
import { LashError } from '../../src/core/error.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import type { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { finish, instantClock, memoryEnvironment, type Play, plays, policy, text } from './support.ts';

/** What a test does in the place of a store's method; `proceed` is the method. Absent methods are the store's own. */
export interface Faults {
  commit?: (request: CommitRequest, proceed: () => Promise<CommitReceipt>) => Promise<CommitReceipt>;
  record?: (record: TurnRecord, proceed: () => Promise<void>) => Promise<void>;
  siblings?: () => Promise<never>;
  load?: (scope: LoadScope, proceed: () => Promise<SessionSnapshot>) => Promise<SessionSnapshot>;
  close?: () => Promise<never>;
}

/** A factory whose stores fail as `faults` says, and which passes for one that outlives the worker. */
export function faultyFactory(faults: Faults, origin: SessionStoreFactory): SessionStoreFactory {
  return standIn(origin, {
    persistent: true,
    database: 'test',
    open: async (sessionId, mode) => faultyStore(faults, await origin.open(sessionId, mode)),
  });
}

function faultyStore(faults: Faults, store: SessionStore): SessionStore {
  const turns = standIn(store.turns, {
    record: (record) =>
      faults.record?.(record, () => store.turns.record(record)) ?? store.turns.record(record),
  });
  return standIn(store, {
    turns,
    load: (scope) => faults.load?.(scope, () => store.load(scope)) ?? store.load(scope),
    siblings: (nodeIds) => faults.siblings?.() ?? store.siblings(nodeIds),
    commit: (request) => faults.commit?.(request, () => store.commit(request)) ?? store.commit(request),
    close: () => faults.close?.() ?? store.close(),
  });
}

/** Attachments that pass for ones that outlive the worker. */
export function lastingAttachments(): AttachmentStore {
  return Object.assign(new InMemoryAttachmentStore(), { persistent: true, database: 'test' });
}

/** Sessions that several environments share, as the tabs of a browser do. */
export interface SharedStorage {
  readonly factory: SessionStoreFactory;
  readonly faults: Faults;
  /** A further environment, with a plugin host of its own. */
  readonly environment: (residency?: Residency) => RuntimeEnvironment;
  /** What is stored of a session now. */
  readonly stored: (sessionId: string) => Promise<SessionSnapshot>;
}

export function sharedStorage(
  origin: SessionStoreFactory = new InMemorySessionStoreFactory(),
  attachments: AttachmentStore = lastingAttachments(),
): SharedStorage {
  const faults: Faults = {};
  const factory = faultyFactory(faults, origin);
  return {
    factory,
    faults,
    environment: (residency = 'KeepAll') =>
      memoryEnvironment((builder) =>
        builder.withSessionStoreFactory(factory).withAttachmentStore(attachments).withResidency(residency),
      ),
    stored: async (sessionId) => {
      const store = await origin.open(sessionId, { kind: 'open' });
      return await store.load({ kind: 'path' });
    },
  };
}

/** A provider that answers each call with the next of these texts. */
export function answers(...texts: string[]): ReturnType<typeof plays> {
  return plays(...texts.map((value): Play => [text(value), finish()]));
}

/** What a database answers that is not there any more. */
export function unavailable(): LashError {
  return new LashError('StorageUnavailable', 'the disk is gone', { database: 'test', reason: 'test' });
}

let runtimes = 0;

/** A clock that makes ids which no other runtime of the test has. */
export function clockOfItsOwn(): ReturnType<typeof instantClock> {
  const name = `w${++runtimes}`;
  const clock = instantClock();
  return { ...clock, newId: () => `${name}-${clock.newId()}` };
}

/** Opens the session `s`, as a further tab would. */
export async function openShared(
  storage: SharedStorage,
  provider: ReturnType<typeof plays>,
  options: RuntimeOptions & { readonly residency?: Residency } = {},
): Promise<LashRuntime> {
  const { residency, ...rest } = options;
  return await LashRuntime.open(storage.environment(residency), {
    sessionId: 's',
    mode: 'openOrCreate',
    policy,
    clock: clockOfItsOwn(),
    providers: { fake: provider },
    ...rest,
  });
}

/** What a runtime holds in memory is what is stored. */
export async function expectInStep(runtime: LashRuntime, storage: SharedStorage): Promise<void> {
  const { head, nodes, ledger } = await storage.stored(runtime.sessionId);
  const view = runtime.view();
  expect(view.head).toEqual(head);
  expect(view.window.nodes).toEqual(nodes.slice(view.window.start));
  expect(runtime.usage().ledger).toEqual(ledger);
  expect((await runtime.readView({ limit: 500 })).window.nodes).toEqual(nodes);
}
