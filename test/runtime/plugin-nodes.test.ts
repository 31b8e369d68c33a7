import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { Plugin, PluginNode, PluginHooks } from '../../src/contract/plugin.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { NodeBody } from '../../src/core/node.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { eventually } from '../support/eventually.ts';
import { mortalTab } from './mortal.ts';
import { asks, done, eventsOf, memory, openTab, plain, unlessDead } from './plugin-support.ts';
import { exported, imported, memoryPlace } from './portable.ts';
import { type Faults, faultyFactory, unavailable } from './stores.ts';
import { plays, toolNamed } from './support.ts';

const note = (data: PluginNode['data'] = 'noted'): PluginNode => ({ pluginType: 'p.note', data });

const adds = (...nodes: readonly unknown[]): Plugin =>
  plain({ afterTurn: () => nodes as readonly PluginNode[] });

const summaryOf = (body: NodeBody): unknown => {
  if (body.kind === 'plugin') return [body.pluginType, body.data];
  return body.kind === 'conversation' ? body.message.role : body.kind;
};

const shown = (runtime: LashRuntime): readonly unknown[] =>
  runtime.view().window.nodes.map(({ body }) => summaryOf(body));

async function stored(factory: SessionStoreFactory): Promise<readonly unknown[]> {
  const store = await factory.open('s', { kind: 'open' });
  const { nodes } = await store.load({ kind: 'path' });
  return nodes.map(({ body }) => summaryOf(body));
}

const NOTED = ['p.note', 'noted'];

describe('nodes that plugins add as a turn ends', () => {
  it('[PL1] lie behind the answer in the order of the plugins, and the last of them is the leaf', async () => {
    const factory = memory();
    const second = plain({ afterTurn: () => [note(2), note(3)] }, { id: 'q' });
    const runtime = await openTab(factory, plays(done), [adds(note(1)), second]);
    const { leaf } = await runtime.turn('go').result;
    const all = ['user', 'assistant', ['p.note', 1], ['p.note', 2], ['p.note', 3]];
    expect([shown(runtime), await stored(factory)]).toEqual([all, all]);
    const { nodes } = runtime.view().window;
    expect([leaf, runtime.view().head.leaf]).toEqual([nodes.at(-1)?.id, nodes.at(-1)?.id]);
    expect(nodes.every(({ createdAt }) => createdAt > 1_000_000)).toBe(true);
  });

  it('[TU4] are one commit with the answer and the end of the turn', async () => {
    const origin = memory();
    const commits: number[] = [];
    const faults: Faults = {
      commit: async (request, proceed) => {
        commits.push(request.change.kind === 'append' ? request.change.nodes.length : 0);
        return await proceed();
      },
    };
    const runtime = await openTab(faultyFactory(faults, origin), plays(done), [adds(note())]);
    await runtime.turn('go').result;
    expect(commits).toEqual([1, 2]);
  });

  it('[ST4] stay the same where the commit is tried again: the plugins are asked once', async () => {
    const origin = memory();
    let asked = 0;
    let failures = 2;
    const faults: Faults = {
      commit: async (request, proceed) => {
        if (request.turn?.kind !== 'end' || failures-- <= 0) return await proceed();
        // The first time it is not stored; the second time it is, and the answer is lost.
        if (failures === 0) await proceed();
        throw unavailable();
      },
    };
    const counting = plain({ afterTurn: () => [note(++asked)] });
    const runtime = await openTab(faultyFactory(faults, origin), plays(done), [counting]);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(await stored(origin)).toEqual(['user', 'assistant', ['p.note', 1]]);
    expect(asked).toBe(1);
  });

  it.each(['before', 'after'] as const)(
    '[TU3][TU4] a tab that dies %s their commit leaves them once',
    async (when) => {
      const origin = memory();
      const scout = mortalTab(memory());
      await (await openTab(scout.factory, plays(done), [adds(note())])).turn('go', { inputId: 't' }).result;
      const tab = mortalTab(origin, { write: scout.writes.lastIndexOf('commit'), when });
      const dying = await openTab(tab.factory, plays(done), [adds(note())]);
      await unlessDead(tab, dying.turn('go', { inputId: 't' }).result);
      const next = await openTab(origin, plays(done), [adds(note())]);
      await eventually(() => expect(next.view().turn).toBe(null));
      expect(await stored(origin)).toEqual(['user', 'assistant', NOTED]);
      await next.close();
    },
  );

  it('[TU2] are not shown to the model, and found by viewContext', async () => {
    const seen: unknown[] = [];
    const provider = plays(done, done);
    const looks: PluginHooks<null> = {
      afterTurn: () => [note()],
      viewContext: (nodes) => void seen.push(nodes.map(({ body }) => summaryOf(body))),
    };
    const runtime = await openTab(memory(), provider, [plain(looks)]);
    await runtime.turn('a').result;
    await runtime.turn('b').result;
    expect(seen).toEqual([['user'], ['user', 'assistant', NOTED, 'user']]);
    expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
  });

  it('belong to their branch, and are there when the session is opened again', async () => {
    const factory = memory();
    const runtime = await openTab(factory, plays(done, done), [adds(note())]);
    await runtime.turn('a').result;
    const question = runtime.view().window.nodes[0]?.id ?? '';
    await runtime.turn(null, { from: question }).result;
    await runtime.branchToNode(question);
    expect(shown(runtime)).toEqual(['user']);
    await runtime.close();
    const again = await openTab(factory, plays(), []);
    expect(again.view().head.nodeCount).toBe(5);
    await again.close();
  });

  it('[SE1] hold no secret', async () => {
    const secrets = new SecretVault();
    secrets.add('hush-hush');
    const factory = memory();
    const runtime = await openTab(factory, plays(done), [adds(note({ key: 'hush-hush' }))], { secrets });
    await runtime.turn('go').result;
    expect(JSON.stringify(await stored(factory))).not.toContain('hush-hush');
    expect(shown(runtime)).toHaveLength(3);
  });

  it('[PL5] are copied: what a plugin changes later changes none of them', async () => {
    const data = { n: 1 };
    const runtime = await openTab(memory(), plays(done), [adds(note(data))]);
    await runtime.turn('go').result;
    data.n = 2;
    expect(shown(runtime).at(-1)).toEqual(['p.note', { n: 1 }]);
  });

  it('[TU6] come behind what is there where the turn failed or was stopped', async () => {
    const factory = memory();
    const provider = plays([new Error('no')], ['hang']);
    const runtime = await openTab(factory, provider, [adds(note())]);
    expect((await runtime.turn('a').result).status).toBe('failed');
    const stopped = runtime.turn('b');
    await eventually(() => expect(provider.requests).toHaveLength(2));
    await stopped.cancel('enough');
    expect((await stopped.result).status).toBe('cancelled');
    expect(shown(runtime)).toEqual(['user', NOTED, 'user', NOTED]);
  });

  it('[TU5] are not waited for by whoever stops the turn meanwhile, which has ended', async () => {
    let asked = false;
    const slow = plain({
      afterTurn: async (_, { signal }) => {
        asked = true;
        return await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      },
    });
    const runtime = await openTab(memory(), plays(done), [slow], { clock: systemClock });
    const turn = runtime.turn('go');
    await eventually(() => expect(asked).toBe(true));
    await turn.cancel('enough');
    expect((await turn.result).status).toBe('completed');
    expect(shown(runtime)).toEqual(['user', 'assistant']);
  });

  it('[TU5] are not waited for either by whoever stops a turn that was stopped before', async () => {
    let asked = false;
    const slow = plain({
      afterTurn: async (_, { signal }) => {
        asked = true;
        return await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      },
    });
    const provider = plays(['hang']);
    const runtime = await openTab(memory(), provider, [slow], { clock: systemClock });
    const events = eventsOf(runtime);
    const turn = runtime.turn('go');
    await eventually(() => expect(provider.requests).toHaveLength(1));
    const stopped = turn.cancel('enough');
    await eventually(() => expect(asked).toBe(true));
    await runtime.close();
    expect((await stopped).status).toBe('cancelled');
    // It did not take too long: nobody waited for it.
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  });

  it('go through a file', async () => {
    const place = memoryPlace();
    const runtime = await openTab(place.factory, plays(done), [adds(note({ deep: [1] }))]);
    await runtime.turn('go').result;
    await runtime.close();
    const to = memoryPlace();
    await imported(to, await exported(place, 's'));
    const store = await to.factory.open('imported', { kind: 'open' });
    const { nodes } = await store.load({ kind: 'path' });
    expect(nodes.map(({ body }) => summaryOf(body)).at(-1)).toEqual(['p.note', { deep: [1] }]);
  });
});

describe('a plugin whose nodes are none', () => {
  const big = 'x'.repeat(64 * 1024);
  it.each([
    ['no list', 'text'],
    ['a node without a type', [{ data: 1 }]],
    ['a node with an empty type', [{ pluginType: '', data: 1 }]],
    ['a node without data', [{ pluginType: 'p.note' }]],
    ['data that is none', [{ pluginType: 'p.note', data: () => 1 }]],
    ['a node that is too long', [note(big)]],
  ])('[PL2] is a warning, and the turn ends as it would: %s', async (_, answer) => {
    const wrong = plain({ afterTurn: () => answer as never });
    const right = plain({ afterTurn: () => [note()] }, { id: 'q' });
    const runtime = await openTab(memory(), plays(done), [wrong, right]);
    const events = eventsOf(runtime);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(shown(runtime)).toEqual(['user', 'assistant', NOTED]);
    const message = expect.stringContaining('afterTurn of the plugin p must return') as string;
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', message }));
  });

  it('[ST13] leaves out what does not fit into one commit with the answer, and says so', async () => {
    const many = Array.from({ length: 100 }, () => note('x'.repeat(60_000)));
    const runtime = await openTab(memory(), plays(done), [adds(...many)]);
    const events = eventsOf(runtime);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(shown(runtime)).toEqual(['user', 'assistant']);
    const message = expect.stringContaining('does not fit') as string;
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', message }));
  });
});

describe('the path that a hook reads', () => {
  const tool = toolNamed('t');

  async function read(pages: AsyncIterable<readonly { readonly body: NodeBody }[]>): Promise<unknown[]> {
    const read: unknown[] = [];
    for await (const page of pages) read.unshift(...page.map(({ body }) => summaryOf(body)));
    return read;
  }

  it('ends where the turn is: before the nodes of the last commit in afterTurn', async () => {
    const found: unknown[] = [];
    const reads = plain({
      beforeStep: async ({ path }) => void found.push(await read(path.pages())),
      afterTurn: async (_, { path }) => void found.push(await read(path.pages())),
    });
    const runtime = await openTab(memory(), plays(asks('t'), done), [reads], { tools: [tool] });
    await runtime.turn('go').result;
    const round = ['user', 'assistant', 'tool'];
    expect(found).toEqual([['user'], round, round]);
  });

  it('[TU2] goes back from any node of it, whatever the model is shown', async () => {
    const found: unknown[] = [];
    const reads = plain({
      viewContext: async ([first], { path }) =>
        void found.push(await read(path.pages(first?.parentId ?? null))),
    });
    const short = { policy: { provider: { id: 'fake', model: 'fake-1' }, maxContextTokens: 4 * 60 } };
    const runtime = await openTab(memory(), plays(done, done, done), [reads], short);
    await runtime.turn('x'.repeat(300)).result;
    await runtime.turn('x'.repeat(300)).result;
    await runtime.turn('x'.repeat(300)).result;
    expect(found).toEqual([[], ['user', 'assistant'], ['user', 'assistant', 'user', 'assistant']]);
  });

  it('counts what a model reads, and says how much of it fits', async () => {
    const found: number[] = [];
    const counting = plain({
      viewContext: (nodes, { path, budgetTokens }) =>
        void found.push(budgetTokens, ...nodes.map((node) => path.tokensOf(node))),
    });
    const runtime = await openTab(memory(), plays(done), [counting]);
    await runtime.turn('x'.repeat(400)).result;
    const [budget = 0, ...tokens] = found;
    expect(tokens).toEqual([140]);
    expect(budget).toBeGreaterThan(95_000 - 1_000);
    expect(budget).toBeLessThanOrEqual(100_000 - 4_096);
  });
});
