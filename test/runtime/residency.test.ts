import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { SessionSnapshot, SessionStore } from '../../src/contract/store.ts';
import type { NodeBody, SessionNode } from '../../src/core/node.ts';
import { SessionPath } from '../../src/core/path.ts';
import { Feed } from '../../src/runtime/feed.ts';
import { History } from '../../src/runtime/history/history.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { residencyConformance } from '../../src/testing/residency-conformance.ts';
import type { ResidencyContext } from '../../src/testing/residency-context.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { answers, faultyFactory, lastingAttachments, openShared, sharedStorage } from './stores.ts';
import { call, finish, memoryEnvironment, type Play, plays, policy, text } from './support.ts';

function memoryContext(): ResidencyContext {
  const factory = faultyFactory({}, new InMemorySessionStoreFactory());
  return {
    environment: async (residency, residentBytes) =>
      memoryEnvironment((builder) =>
        builder
          .withSessionStoreFactory(factory)
          .withAttachmentStore(lastingAttachments())
          .withResidency(residency)
          .withLimits(residentBytes === undefined ? {} : { residentBytes }),
      ),
    elsewhere: async () => sharedStorage().environment(),
    open: async (environment, options) => await LashRuntime.open(environment, options),
    resume: async (parked, environment, options) => await LashRuntime.resume(parked, environment, options),
  };
}

describe('residency on memory that passes for a disk', () => {
  for (const { name, run } of residencyConformance) {
    it(name, async () => await run(memoryContext()));
  }
});

describe('a refresh', () => {
  it('[RE2][ST7] against another writer, 1,000 times: revision, leaf and path always belong to one snapshot', async () => {
    const steps = fc.array(
      fc.record({ kind: fc.constantFrom('append', 'branch', 'edit'), at: fc.nat(), delay: fc.nat(6) }),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.nat(6),
        fc.constantFrom('KeepAll', 'ActivePathOnly'),
        async (program, pause, residency) => {
          const factory = new InMemorySessionStoreFactory();
          const writer = await factory.open('s', { kind: 'create', title: '', policy, at: 0 });
          const reader = slow(await factory.open('s', { kind: 'open' }), pause);
          const truth = new Map<number, string | null>([[0, null]]);
          const history = await load(reader, residency);
          history.feed.subscribe((event) => {
            if ('head' in event) expectOneSnapshot(history.history, truth);
          });
          const written = write(writer, program, truth);
          for (let count = 0; count < 3; count++) {
            await history.history.follow();
            expectOneSnapshot(history.history, truth);
            await ticks(pause);
          }
          await written;
          await history.history.follow();
          const { head, nodes } = await writer.load({ kind: 'path' });
          expect(history.history.head).toEqual(head);
          expect([...history.history.path.nodes]).toEqual(nodes.slice(history.history.path.start));
        },
      ),
      { seed: 20_240_601, numRuns: 1000 },
    );
  });

  it('[ST7] that is overtaken by a write, or overtakes its receipt, never goes back to an older revision', async () => {
    const delays = fc.array(fc.nat(12), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(delays, fc.nat(12), fc.nat(12), async (pauses, reading, writing) => {
        const factory = new InMemorySessionStoreFactory();
        const other = await factory.open('s', { kind: 'create', title: '', policy, at: 0 });
        const origin = await factory.open('s', { kind: 'open' });
        const store = standIn(origin, {
          load: async (scope) => await late(await origin.load(scope), reading),
          commit: async (request) => await late(await origin.commit(request), writing),
        });
        const { history, feed } = await load(store, 'ActivePathOnly');
        const told: number[] = [];
        feed.subscribe((event) => 'head' in event && told.push(event.head.revision));
        await history.prepareToWrite();
        const { epoch } = history;
        const nodes = [{ createdAt: 1, body: { kind: 'plugin', pluginType: 'n', data: null } } as const];
        const follow = async (): Promise<void> => {
          for (const pause of pauses) {
            await late(null, pause);
            await history.follow();
          }
        };
        const commitElsewhere = async (): Promise<void> => {
          for (const [index, pause] of pauses.entries()) {
            await late(null, pause);
            const { head } = await other.load({ kind: 'head' });
            const change = { kind: 'append', parentId: head.leaf, nodes } as const;
            const expectedRevision = head.revision;
            const request = { operationId: `other-${index}`, expectedRevision, epoch, change, usage: [] };
            await other.commit(request).catch(() => undefined);
          }
        };
        const append = async (): Promise<void> => {
          for (const [index, pause] of pauses.entries()) {
            await late(null, pause);
            const parent = history.head.leaf;
            await history
              .append({ operationId: `own-${index}`, parent, nodes, usage: [] })
              .catch(() => undefined);
          }
        };
        await Promise.all([follow(), commitElsewhere(), append()]);
        expect(told).toEqual(told.toSorted((a, b) => a - b));
        await history.follow();
        const stored = await other.load({ kind: 'path' });
        expect(history.head).toEqual(stored.head);
        expect([...history.path.nodes]).toEqual(stored.nodes.slice(history.path.start));
      }),
      { seed: 20_240_601, numRuns: 300 },
    );
  });

  async function load(
    store: SessionStore,
    residency: 'KeepAll' | 'ActivePathOnly',
  ): Promise<{ readonly history: History; readonly feed: Feed }> {
    const feed = new Feed();
    const attachments = new InMemoryAttachmentStore();
    const budget = { rows: 512, bytes: 1_000_000 };
    const secrets = new SecretVault();
    const parts = { store, attachments, budget, residency, residentBytes: 2000, secrets, feed };
    return { history: await History.load(parts), feed };
  }

  /** A store whose answers take a while, before and after they are made. */
  function slow(store: SessionStore, delay: number): SessionStore {
    return standIn(store, {
      load: async (scope): Promise<SessionSnapshot> => {
        await ticks(delay);
        const snapshot = await store.load(scope);
        await ticks(delay);
        return snapshot;
      },
    });
  }

  /** `value`, some tasks later. */
  async function late<T>(value: T, tasks: number): Promise<T> {
    for (let task = 0; task < tasks; task++) await new Promise((resolve) => setImmediate(resolve));
    return value;
  }

  async function ticks(count: number): Promise<void> {
    for (let tick = 0; tick < count; tick++) await Promise.resolve();
  }

  async function write(
    store: SessionStore,
    program: readonly { readonly kind: string; readonly at: number; readonly delay: number }[],
    truth: Map<number, string | null>,
  ): Promise<void> {
    const epoch = await store.takeLease();
    const known: (string | null)[] = [null];
    let revision = 0;
    for (const { kind, at, delay } of program) {
      await ticks(delay);
      const old = known[at % known.length] ?? null;
      const nodes = [
        { createdAt: 1, body: { kind: 'plugin', pluginType: 'n', data: 'x'.repeat(300) } } as const,
      ];
      const parentId = kind === 'edit' ? old : (truth.get(revision) ?? null);
      const change =
        kind === 'branch' ? ({ kind, leaf: old } as const) : ({ kind: 'append', parentId, nodes } as const);
      const operationId = `op${revision}`;
      // The leaf is known before anyone can read it.
      truth.set(revision + 1, kind === 'branch' ? old : `${operationId}.0`);
      const receipt = await store.commit({
        operationId,
        expectedRevision: revision,
        epoch,
        change,
        usage: [],
      });
      ({ revision } = receipt);
      known.push(receipt.leaf);
    }
  }

  function expectOneSnapshot(history: History, truth: ReadonlyMap<number, string | null>): void {
    const { head, path } = history;
    expect(head.leaf).toBe(truth.get(head.revision));
    expect(path.leaf).toBe(head.leaf);
    expect(path.depth).toBe(head.depth);
  }
});

describe('a path that cannot be read whole', () => {
  it('[ST6][RE5] is shown up to its last sound node, read only, where that is asked for', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one', 'two'));
    await runtime.turn('first').result;
    const sound = runtime.view().head.leaf;
    await runtime.turn('second').result;
    const { window, head } = runtime.view();
    await runtime.close();
    const damage = { nodeId: window.nodes[2]?.id ?? '', reason: 'is damaged' };
    const environment = storage.environment('ActivePathOnly');
    const damaged = {
      ...environment,
      sessionStoreFactory: standIn(environment.sessionStoreFactory, {
        open: async (sessionId, mode) => {
          const store = await environment.sessionStoreFactory.open(sessionId, mode);
          return standIn(store, { findSoundPath: async () => ({ leaf: sound, damage }) });
        },
      }),
    };
    const shown = await LashRuntime.open(damaged, { sessionId: 's', mode: 'readOnly', damaged: 'showSound' });
    expect(shown.view()).toMatchObject({ damage, head: { ...head, leaf: sound, depth: 2 } });
    expect(shown.view().window.nodes).toEqual(window.nodes.slice(0, 2));
    expect((await shown.readView({ limit: 1 })).window.nodes).toEqual(window.nodes.slice(1, 2));
    await expect(shown.turn('more').result).rejects.toMatchObject({ code: 'ReadOnly' });
    await expect(shown.branchToNode(null)).rejects.toMatchObject({ code: 'ReadOnly' });
    await expect(shown.pin(sound ?? '')).rejects.toMatchObject({ code: 'ReadOnly' });
    await expect(shown.park()).rejects.toMatchObject({ code: 'ReadOnly' });
    const other = await openShared(storage, answers('three'));
    await other.turn('from another tab').result;
    await other.close();
    await shown.wake();
    expect(shown.view().head.leaf).toBe(sound);
    await shown.close();
    const { head: newest } = other.view();
    const whole = await LashRuntime.open(environment, {
      sessionId: 's',
      mode: 'readOnly',
      damaged: 'showSound',
    });
    expect(whole.view()).toMatchObject({ damage: null, head: newest });
    await whole.close();
    const writing = LashRuntime.open(environment, { sessionId: 's', damaged: 'showSound' });
    await expect(writing).rejects.toMatchObject({ code: 'InvalidInput', data: { path: 'damaged' } });
  });
});

describe('what a turn needs of a path', () => {
  it('[RE2] its number is found without reading to the root, also behind messages of the host', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one', 'two', 'three', 'four'), {
      residency: 'ActivePathOnly',
    });
    const asked = (value: string): NodeBody => ({
      kind: 'conversation',
      message: { role: 'user', parts: [{ type: 'text', text: value }] },
    });
    const numberOf = async (turn: Promise<unknown>): Promise<unknown> => {
      await turn;
      const { nodes } = runtime.view().window;
      return nodes.findLast(({ body }) => body.kind === 'conversation' && body.message.role === 'user')?.body;
    };
    expect(await numberOf(runtime.turn('first').result)).toMatchObject({ turnIndex: 1 });
    await runtime.appendSessionNodes({ nodes: [asked('by the host'), asked('and again')] });
    expect(await numberOf(runtime.turn('second').result)).toMatchObject({ turnIndex: 4 });
    expect(await numberOf(runtime.turn('edited', { from: null }).result)).toMatchObject({ turnIndex: 1 });
  });

  it('[RE2] a tool is given the attachments of what the model was shown', async () => {
    const seen: unknown[] = [];
    const storage = sharedStorage();
    const environment = storage.environment('ActivePathOnly');
    const ref = await environment.attachmentStore.put(new Uint8Array([1]), {
      mime: 'text/plain',
      name: 'a.txt',
    });
    const look = {
      name: 'look',
      description: '',
      inputSchema: {},
      check: () => ({ ok: true, value: {} }) as const,
      execute: (_: unknown, context: { readonly attachments: unknown }) => {
        seen.push(context.attachments);
        return null;
      },
    };
    const turn: Play[] = [
      [call('c', 'look', '{}'), finish('tool-calls')],
      [text('ok'), finish()],
    ];
    const provider = { ...plays(...turn, ...turn), maxContextTokens: 4000 };
    const runtime = await LashRuntime.open(environment, {
      sessionId: 's',
      mode: 'create',
      policy,
      providers: { fake: provider },
      tools: [look],
    });
    await runtime.turn({ parts: [{ type: 'file', attachment: ref }] }).result;
    await runtime.turn('x'.repeat(12_400)).result;
    expect(seen).toEqual([[ref], []]);
  });

  it('[RE2] a path is made of nodes that memory does not copy', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, answers('one'), { residency: 'ActivePathOnly' });
    await runtime.turn('first').result;
    const nodes: readonly SessionNode[] = runtime.view().window.nodes;
    const path = SessionPath.of('s', runtime.view().head, { start: 0, nodes });
    expect(path.bytes).toBe(runtime.residentBytes);
  });
});
