import { expect } from 'vitest';

import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { isLashError } from '../../src/core/error.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import type { NodeBody } from '../../src/core/node.ts';
import type { SessionView } from '../../src/core/view.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { eventually } from '../support/eventually.ts';
import { dictated, echo } from './tab-models.ts';

/** Storage that tabs share; `open` opens the session `s` as a further tab does, with connections of its own. */
export interface TabStorage {
  readonly open: (provider: Provider, options?: RuntimeOptions) => Promise<LashRuntime>;
  /** A factory of a tab that has not opened the session. */
  readonly factory: SessionStoreFactory;
}

/** What tabs of one session do. Each case runs on storage of its own. */
export interface TabCase {
  readonly name: string;
  readonly run: (storage: TabStorage) => Promise<void>;
}

const note = (data: string): NodeBody => ({ kind: 'plugin', pluginType: 'note', data });

/** Which nodes have which siblings. Their tips are those of the moment in which they were read. */
function siblings({ branches }: SessionView): readonly string[] {
  return Object.entries(branches)
    .map(([id, point]) => [id, ...point.siblings.map(({ nodeId }) => nodeId)].join(' '))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

/** Both show the same session. */
async function inStep(a: LashRuntime, b: LashRuntime): Promise<void> {
  await eventually(() => {
    const [left, right] = [a.view(), b.view()];
    expect(right.head).toEqual(left.head);
    expect(right.window.nodes.map(({ id }) => id)).toEqual(left.window.nodes.map(({ id }) => id));
    expect([right.title, b.policy, right.turn]).toEqual([left.title, a.policy, left.turn]);
    expect(siblings(right)).toEqual(siblings(left));
  });
}

/** Numbers below `limit` that are the same each time. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

export const tabCases: readonly TabCase[] = [
  {
    name: '[FO1] what one tab commits, names or chooses shows in the other one',
    run: async ({ open }) => {
      const [a, b] = [await open(echo()), await open(echo())];
      await a.turn('first').result;
      await inStep(a, b);
      const events: SessionEvent['type'][] = [];
      b.subscribe(({ type }) => events.push(type));
      await a.appendSessionNodes({ nodes: [note('a')] });
      await inStep(a, b);
      expect(events).toContain('nodes-committed');
      expect(events).not.toContain('path-changed');
      const [question] = a.view().window.nodes;
      await a.branchToNode(question?.id ?? '');
      await inStep(a, b);
      expect(events).toContain('path-changed');
      await b.rename('renamed');
      await b.setPolicy({ maxSteps: 3 });
      await inStep(b, a);
      expect([a.view().title, a.policy.maxSteps]).toEqual(['renamed', 3]);
      await b.turn('second').result;
      await inStep(b, a);
    },
  },
  {
    name: '[FO4] a policy that a tab brings or changes is heard, and none is lost',
    run: async ({ open, factory }) => {
      const a = await open(echo());
      const changed = { ...a.policy, maxContextTokens: 999 };
      const b = await open(echo(), { mode: 'open', policy: changed });
      await eventually(() => expect(a.policy).toEqual(changed));
      const store = await factory.open('s', { kind: 'open' });
      await store.saveSessionMeta({ policy: { ...changed, maxSteps: 7 }, at: 1 });
      expect(b.policy.maxSteps).toBeUndefined();
      await b.setPolicy({ maxContextTokens: 1000 });
      expect(b.policy).toEqual({ ...changed, maxSteps: 7, maxContextTokens: 1000 });
      await eventually(() => expect(a.policy).toEqual(b.policy));
    },
  },
  {
    name: '[FO2] a turn shows in the other tab while it runs, and how it ended',
    run: async ({ open }) => {
      const model = dictated();
      const [a, b] = [await open(model), await open(echo())];
      const events: SessionEvent['type'][] = [];
      b.subscribe(({ type }) => events.push(type));
      const turn = a.turn('hi', { inputId: 't' });
      model.say('one ');
      await eventually(() => expect(b.view().turn).toMatchObject({ turnId: 't', text: 'one ' }));
      model.say('two ');
      model.say('three');
      await eventually(() => expect(b.view().turn?.text).toBe('one two three'));
      expect([a.view().writer, b.view().writer]).toEqual(['here', 'elsewhere']);
      model.done();
      const result = await turn.result;
      await eventually(() => expect(b.view().lastTurn).toEqual({ turnId: 't', result, warnings: [] }));
      await inStep(a, b);
      expect(events.filter((type) => type === 'turn-finished')).toHaveLength(1);
    },
  },
  {
    name: '[FO2] what streams is shown behind what was committed before it',
    run: async ({ open }) => {
      const model = dictated();
      const tool: Tool = {
        name: 'look',
        description: 'looks',
        inputSchema: { type: 'object' },
        check: (value) => ({ ok: true, value }),
        execute: () => 'seen',
      };
      const [a, b] = [await open(model, { tools: [tool] }), await open(echo())];
      const events: string[] = [];
      b.subscribe((event) => events.push(event.type === 'text-delta' ? event.text : event.type));
      const turn = a.turn('hi');
      model.say('one');
      await eventually(() => expect(b.view().turn?.text).toBe('one'));
      model.say(' two');
      model.callTool('look');
      await eventually(() => expect(a.view().turn?.step).toBe(1));
      model.say('three');
      await eventually(() => expect(b.view().turn?.text).toBe('three'));
      expect(events.indexOf(' two')).toBeLessThan(events.lastIndexOf('nodes-committed'));
      model.done();
      await turn.result;
      await inStep(a, b);
    },
  },
  {
    name: '[FO3] who holds the lease believes nobody else’s activity',
    run: async ({ open, factory }) => {
      const model = dictated();
      const a = await open(model);
      const turn = a.turn('hi', { inputId: 't' });
      model.say('mine');
      await eventually(() => expect(a.view().turn?.text).toBe('mine'));
      const { turn: shown } = a.view();
      const activity = [{ type: 'turn-started', turnId: 'theirs' }] as const;
      factory.leases.publish('s', { kind: 'activity', activity });
      factory.leases.publish('s', { kind: 'turn', turn: { ...shown!, turnId: 'theirs' } });
      factory.leases.publish('s', { kind: 'meta-changed' });
      await a.wake();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(a.view().turn).toEqual(shown);
      model.done();
      expect((await turn.result).status).toBe('completed');
    },
  },
  {
    name: '[FO2] a tab that opens during a turn sees what it has said so far',
    run: async ({ open }) => {
      const model = dictated();
      const a = await open(model);
      const turn = a.turn('hi', { inputId: 't' });
      model.say('said before');
      await eventually(() => expect(a.view().turn?.text).toBe('said before'));
      const b = await open(echo());
      await eventually(() => expect(b.view().turn).toEqual(a.view().turn));
      model.say(' and after');
      await eventually(() => expect(b.view().turn?.text).toBe('said before and after'));
      model.done();
      await turn.result;
      await inStep(a, b);
    },
  },
  {
    name: '[WS2][WS4] a tab writes as soon as the other one is idle, and the lease is not held afterwards',
    run: async ({ open, factory }) => {
      const [a, b] = [await open(echo(), { lingerMs: 600_000 }), await open(echo(), { lingerMs: 50 })];
      for (const tab of [a, b, a, b]) expect((await tab.turn('hi').result).status).toBe('completed');
      await inStep(b, a);
      expect(b.view().window.nodes).toHaveLength(8);
      await eventually(() => expect([a.view().writer, b.view().writer]).toEqual(['nobody', 'nobody']));
      expect(await factory.leases.isHeld('s')).toBe(false);
    },
  },
  {
    name: '[WS5][WS6][TU3] a turn keeps the session; taking over by force takes the turn over too, and both tabs go on',
    run: async ({ open }) => {
      const model = dictated();
      const [a, b] = [await open(model), await open(echo())];
      const running = a.turn('hi', { inputId: 't' });
      model.say('half');
      await eventually(() => expect(b.view().turn?.text).toBe('half'));
      const held = { code: 'SessionHeldElsewhere', data: { sessionId: 's', turnId: 't' } };
      await expect(b.turn('mine').accepted).rejects.toMatchObject(held);
      await expect(b.takeOver()).rejects.toMatchObject(held);
      await expect(b.branchToNode(null)).rejects.toMatchObject(held);
      await b.rename('allowed');
      const events: SessionEvent['type'][] = [];
      b.subscribe(({ type }) => events.push(type));
      await b.takeOver({ force: true });
      expect(await running.result).toMatchObject({ status: 'completed' });
      await eventually(() =>
        expect(b.view().lastTurn).toMatchObject({ turnId: 't', result: { status: 'completed' } }),
      );
      expect(events.filter((type) => type === 'turn-finished')).toHaveLength(1);
      expect((await b.turn('mine').result).status).toBe('completed');
      await inStep(b, a);
      expect(a.view().title).toBe('allowed');
      const later = a.turn('again');
      model.say('whole');
      model.done();
      expect((await later.result).status).toBe('completed');
      await inStep(a, b);
      expect(b.view().window.nodes).toHaveLength(6);
      await eventually(() => expect(b.view().turn).toBeNull());
    },
  },
  {
    name: '[WS3][TU3] a writer that was overtaken without hearing of it leaves its turn when it wakes, and is told how it ended',
    run: async ({ open, factory }) => {
      const model = dictated();
      const a = await open(model);
      const turn = a.turn('hi', { inputId: 't' });
      await turn.accepted;
      const store = await factory.open('s', { kind: 'open' });
      await a.wake();
      const epoch = await store.takeLease();
      const { head } = await store.load({ kind: 'head' });
      const result = { status: 'completed', reason: 'assistant_message', usage: {} };
      await store.commit({
        operationId: 'theirs',
        expectedRevision: head.revision,
        epoch,
        change: { kind: 'append', parentId: head.leaf, nodes: [{ createdAt: 1, body: note('theirs') }] },
        usage: [],
        turn: { kind: 'end', turnId: 't', result },
      });
      await a.wake();
      expect(await turn.result).toMatchObject({ status: 'completed', leaf: 'theirs.0' });
      expect(a.view()).toMatchObject({ turn: null, head: { leaf: 'theirs.0' } });
    },
  },
  {
    name: '[FO1] a session that was opened to read only follows, and never takes the lease',
    run: async ({ open }) => {
      const a = await open(echo(), { lingerMs: 600_000 });
      const b = await open(echo(), { mode: 'readOnly' });
      await a.turn('hi').result;
      await inStep(a, b);
      await expect(b.takeOver({ force: true })).rejects.toMatchObject({ code: 'ReadOnly' });
      expect([a.view().writer, b.view().writer]).toEqual(['here', 'elsewhere']);
    },
  },
  {
    name: '[FO1] waking catches up with what was not heard',
    run: async ({ open, factory }) => {
      const a = await open(echo());
      const store = await factory.open('s', { kind: 'open' });
      const { head } = await store.load({ kind: 'head' });
      const nodes = [{ createdAt: 1, body: note('unheard') }];
      const change = { kind: 'append', parentId: null, nodes } as const;
      const epoch = await store.takeLease();
      await store.commit({
        operationId: 'op',
        expectedRevision: head.revision,
        epoch,
        change,
        usage: [],
      });
      await store.saveSessionMeta({ title: 'unheard', at: 1 });
      expect(a.view().head.revision).toBe(head.revision);
      await a.wake();
      expect([a.view().head.leaf, a.view().title]).toEqual(['op.0', 'unheard']);
    },
  },
  {
    name: '[ST12] a session that was deleted elsewhere ends here',
    run: async ({ open, factory }) => {
      const a = await open(echo());
      const events: SessionEvent['type'][] = [];
      a.subscribe(({ type }) => events.push(type));
      await factory.delete('s');
      factory.leases.publish('s', { kind: 'deleted' });
      await eventually(() => expect(events).toContain('session-deleted'));
      await expect(a.rename('x')).rejects.toMatchObject({ code: 'SessionDeleted' });
      await expect(a.turn('x').accepted).rejects.toMatchObject({ code: 'SessionDeleted' });
    },
  },
  {
    name: '[LE3] a notice that tells nothing, or twice, changes nothing',
    run: async ({ open, factory }) => {
      const a = await open(echo());
      await a.turn('hi').result;
      const before = a.view();
      for (const kind of ['changed', 'meta-changed', 'deleted', 'following', 'released'] as const) {
        factory.leases.publish('s', { kind });
        factory.leases.publish('s', { kind });
      }
      const activity = [{ type: 'turn-finished', turnId: 'unknown', result: { usage: 0 } }] as never;
      factory.leases.publish('s', { kind: 'activity', activity });
      await a.wake();
      expect(a.view().window).toEqual(before.window);
      expect(a.view()).toMatchObject({ turn: null, lastTurn: before.lastTurn, head: before.head });
    },
  },
  {
    name: '[ST3][WS1] fifty random interleavings of two writers: nothing acknowledged is lost, nothing is damaged',
    run: async ({ open, factory }) => {
      const roll = dice(20260101);
      const tabs = [await open(echo(), { lingerMs: 0 }), await open(echo(), { lingerMs: 200 })];
      const acknowledged: string[] = [];
      const refused = new Set<string>();
      const done = new Set<string>();
      const keep = async (kind: string, work: () => Promise<readonly string[]>): Promise<void> => {
        try {
          acknowledged.push(...(await work()));
          done.add(kind);
        } catch (error) {
          if (!isLashError(error)) throw error;
          refused.add(error.code);
        }
      };
      const act = async (tab: LashRuntime): Promise<void> => {
        const kind = ['append', 'append', 'branch', 'turn', 'take'][roll(5)] ?? '';
        if (kind === 'append')
          return await keep(kind, async () => {
            const { nodeIds } = await tab.appendSessionNodes({ nodes: [note('a'), note('b')] });
            return nodeIds;
          });
        if (kind === 'branch')
          return await keep(kind, async () => {
            await tab.branchToNode(acknowledged[roll(acknowledged.length)] ?? null);
            return [];
          });
        if (kind === 'take')
          return await keep(kind, async () => {
            await tab.takeOver({ force: roll(2) === 0 });
            return [];
          });
        await keep(kind, async () => {
          const { status, error, leaf } = await tab.turn('hi').result;
          if (error !== undefined) refused.add(error.code);
          return status === 'completed' && leaf !== null ? [leaf] : [];
        });
      };
      for (let round = 0; round < 50; round++) {
        const works: Promise<void>[] = [];
        for (let step = 0; step < 4; step++) {
          works.push(act(tabs[roll(2)]!));
          if (roll(2) === 0) await new Promise((resolve) => setTimeout(resolve, roll(3)));
        }
        await Promise.all(works);
      }
      await inStep(tabs[0]!, tabs[1]!);
      const store = await factory.open('s', { kind: 'open' });
      const { nodes, head } = await store.load({ kind: 'all' });
      const stored = new Set(nodes.map(({ id }) => id));
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
      expect([stored.size, new Set(acknowledged).size]).toEqual([head.nodeCount, acknowledged.length]);
      expect(tabs[0]?.view().head).toEqual(head);
      expect([...done].toSorted()).toEqual(['append', 'branch', 'take', 'turn']);
      const expected = ['HeadRevisionConflict', 'SessionHeldElsewhere', 'TurnRunning', 'WriterFenced'];
      expect([...refused].filter((code) => !expected.includes(code))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(50);
    },
  },
];
