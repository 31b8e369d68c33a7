import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { Plugin } from '../../src/contract/plugin.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { ModelRequest } from '../../src/core/model-request.ts';
import type { SessionNode } from '../../src/core/node.ts';
import { rollingHistory } from '../../src/plugins/rolling-history.ts';
import { toolOutputBudget } from '../../src/plugins/tool-output-budget.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { mortalTab } from '../runtime/mortal.ts';
import { eventsOf, openTab, unlessDead } from '../runtime/plugin-support.ts';
import { exported, imported, memoryPlace } from '../runtime/portable.ts';
import { call, finish, plays, questionIn, text, toolNamed } from '../runtime/support.ts';
import { eventually } from '../support/eventually.ts';

const CONTEXT = 2000;
const policy = { provider: { id: 'fake', model: 'fake-1' }, maxContextTokens: CONTEXT };
const look = toolNamed('look', { execute: () => 'found.'.repeat(100) });
const plugins = (): readonly Plugin[] => [rollingHistory(), toolOutputBudget({ maxBytes: 1000 })];

const isSummary = (request: ModelRequest): boolean => questionIn(request).startsWith('Summarise');

/** A model that looks once in each turn and then answers, and that summarises, numbering its summaries. */
function agent(summarise: () => string = () => 'kept'): Provider & {
  readonly prompts: readonly ModelRequest[];
  readonly summaries: readonly ModelRequest[];
} {
  const prompts: ModelRequest[] = [];
  const summaries: ModelRequest[] = [];
  return {
    ...plays(),
    prompts,
    summaries,
    async *stream(request) {
      await Promise.resolve();
      if (isSummary(request)) {
        const number = summaries.push(request);
        const said = summarise();
        yield text(said === '' ? ' \n' : `summary ${number}: ${said}`);
        yield finish();
        return;
      }
      const calls = prompts.push(request);
      if (request.messages.at(-1)?.role === 'tool') yield text(`answer ${calls}`);
      else yield call(`c${calls}`, 'look', '{}');
      yield finish(request.messages.at(-1)?.role === 'tool' ? 'stop' : 'tool-calls');
    },
  };
}

const open = async (
  factory: SessionStoreFactory,
  provider: Provider,
  added: readonly Plugin[] = plugins(),
  tools: readonly Tool[] = [look],
): Promise<LashRuntime> =>
  await openTab(factory, provider as ReturnType<typeof plays>, added, {
    tools,
    policy,
    clock: systemClock,
  });

async function nodesOf(factory: SessionStoreFactory, sessionId = 's'): Promise<readonly SessionNode[]> {
  const store = await factory.open(sessionId, { kind: 'open' });
  return (await store.load({ kind: 'path' })).nodes;
}

const summariesIn = (nodes: readonly SessionNode[]): readonly unknown[] =>
  nodes.flatMap(({ body }) =>
    body.kind === 'plugin' ? [(body.data as { readonly text: string }).text] : [],
  );

const shownTo = ({ messages }: ModelRequest): string => JSON.stringify(messages);

/** The tokens of a request where four characters of ASCII are one, and each other character is one. */
function tokensAtMost({ messages }: ModelRequest): number {
  const texts = messages.flatMap(({ parts }) =>
    parts.map((part) => {
      if (part.type === 'text') return part.text;
      return part.type === 'tool-result' ? part.content : JSON.stringify(part);
    }),
  );
  const tokens = Array.from(texts.join(''), (character) => (character < '\u0080' ? 1 / 4 : 1));
  return tokens.reduce((sum, one) => sum + one, 0);
}

describe('a session with rollingHistory', () => {
  it('[TU2][flaw 3][flaw 4] goes on and on with a bounded prompt, and keeps all that was said', async () => {
    const factory = new InMemorySessionStoreFactory();
    const model = agent();
    const runtime = await open(factory, model);
    const before: string[] = [];
    for (let turn = 0; turn < 40; turn++) {
      expect((await runtime.turn(`question ${turn}`).result).status).toBe('completed');
      const rows = (await nodesOf(factory)).map((node) => JSON.stringify(node));
      expect(rows.slice(0, before.length)).toEqual(before);
      before.splice(0, before.length, ...rows);
    }
    for (const request of model.prompts) expect(shownTo(request).length).toBeLessThan(4 * CONTEXT);
    const count = model.summaries.length;
    await runtime.turn('and now').result;
    const nodes = await nodesOf(factory);
    expect(count).toBeGreaterThan(3);
    expect(summariesIn(nodes)).toHaveLength(model.summaries.length);
    const last = shownTo(model.prompts.at(-1) as ModelRequest);
    expect(last.match(/summary \d+/g)).toEqual([`summary ${count}`]);
    expect(JSON.stringify(nodes)).toContain('question 0');
    // What is not summarised is shown whole.
    const asked = shownTo(model.summaries[count - 1] as ModelRequest);
    const newest = Number(Array.from(asked.matchAll(/question (\d+)/g)).at(-1)?.[1]);
    expect(last).toContain(`question ${newest + 1}`);
    expect(last).not.toContain(`question ${newest}"`);
  });

  it.each([
    ['Chinese', '这是一个关于会话运行时的长问题，里面有很多字。'],
    ['Japanese', '会話のつづきを、みじかくまとめてください。'],
    ['Russian', 'Расскажи мне ещё раз, что мы решили вчера. '],
    ['emoji', '🙂🎉🚀'],
  ])('[TU2] holds a bounded prompt in %s, where a character is up to a token', async (_, piece) => {
    const model = agent(() => piece.repeat(200));
    const long = toolNamed('look', { execute: () => piece.repeat(40) });
    const runtime = await open(new InMemorySessionStoreFactory(), model, [rollingHistory()], [long]);
    for (let turn = 0; turn < 30; turn++)
      expect((await runtime.turn(piece.repeat(6)).result).status).toBe('completed');
    expect(model.summaries.length).toBeGreaterThan(3);
    for (const request of [...model.prompts, ...model.summaries])
      expect(tokensAtMost(request)).toBeLessThanOrEqual(CONTEXT);
  });

  it('counts what a summary used in its own ledger, as compaction, and keeps the newest child', async () => {
    const factory = new InMemorySessionStoreFactory();
    const model = agent();
    const runtime = await open(factory, model);
    for (let turn = 0; turn < 20; turn++) await runtime.turn(`question ${turn}`).result;
    const { ledger } = runtime.usage();
    expect(ledger.map(({ source, usage }) => [source, usage.outputTokens])).toContainEqual([
      'compaction',
      5 * model.summaries.length,
    ]);
    const { items } = await factory.list({ parent: 's' });
    expect(items.length).toBeLessThanOrEqual(2);
    const [child] = items;
    const said = JSON.stringify(await nodesOf(factory, child?.sessionId));
    expect(said).toContain('Summarise the conversation');
  });

  it('keeps at most two children, however often the session is opened again', async () => {
    const factory = new InMemorySessionStoreFactory();
    const model = agent();
    const stored: number[] = [];
    for (let opening = 0; opening < 8; opening++) {
      const runtime = await open(factory, model);
      for (let turn = 0; turn < 4; turn++) await runtime.turn(`question ${opening}.${turn}`).result;
      await (opening % 2 === 0 ? runtime.park() : runtime.close());
      stored.push((await factory.list({ parent: 's' })).items.length);
    }
    expect(model.summaries.length).toBeGreaterThan(5);
    expect(Math.max(...stored)).toBeLessThanOrEqual(2);
  });

  it('[15.1 e] ends its turn as it would where no summary is made, and says so', async () => {
    const factory = new InMemorySessionStoreFactory();
    let says = '';
    const model = agent(() => says);
    const runtime = await open(factory, model);
    const events = eventsOf(runtime);
    for (let turn = 0; turn < 12; turn++)
      expect((await runtime.turn(`question ${turn}`).result).status).toBe('completed');
    const message = expect.stringContaining('no summary was made: it is empty') as string;
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', message }));
    expect(summariesIn(await nodesOf(factory))).toEqual([]);
    expect((await factory.list({ parent: 's' })).items).toEqual([]);
    says = 'at last';
    // It is tried again within so many turns.
    for (let turn = 0; turn < 4 && summariesIn(await nodesOf(factory)).length === 0; turn++)
      await runtime.turn('once more').result;
    expect(summariesIn(await nodesOf(factory))).toEqual([expect.stringContaining('at last')]);
    expect(shownTo(model.summaries.at(-1) as ModelRequest)).toContain('question 0');
  });

  it('[TU3][TU4][CH1] whose tab dies before a summary is stored finds the child that made it', async () => {
    const scout = mortalTab(new InMemorySessionStoreFactory());
    const first = await open(scout.factory, agent());
    let turns = 0;
    while (summariesIn(await nodesOf(scout.factory)).length === 0) {
      await first.turn(`question ${turns}`, { inputId: `t${turns}` }).result;
      turns++;
    }
    await first.close();
    const origin = new InMemorySessionStoreFactory();
    const write = scout.writes.lastIndexOf('commit');
    const tab = mortalTab(origin, { write, when: 'before' });
    const model = agent();
    const dying = await open(tab.factory, model);
    for (let turn = 0; turn < turns; turn++)
      await unlessDead(tab, dying.turn(`question ${turn}`, { inputId: `t${turn}` }).result);
    expect(tab.isDead()).toBe(true);
    expect(summariesIn(await nodesOf(origin))).toEqual([]);
    const next = await open(origin, model);
    await eventually(() => expect(next.view().turn).toBe(null));
    await next.turn('on').result;
    expect(summariesIn(await nodesOf(origin))).toEqual(['summary 1: kept']);
    expect(model.summaries).toHaveLength(1);
    await next.close();
  });

  it('shows its summary also after it went through a file, where nodes have other ids', async () => {
    const place = memoryPlace();
    const runtime = await open(place.factory, agent());
    for (let turn = 0; turn < 12; turn++) await runtime.turn(`question ${turn}`).result;
    await runtime.close();
    const to = memoryPlace();
    await imported(to, await exported(place, 's'));
    const model = agent();
    const next = await openTab(to.factory, model as never, plugins(), {
      sessionId: 'imported',
      tools: [look],
      policy,
      clock: systemClock,
    });
    await next.turn('on').result;
    const shown = shownTo(model.prompts[0] as ModelRequest);
    expect(shown).toContain('Summary of the conversation before this point');
    expect(shown).not.toContain('question 0');
    await next.close();
  });
});
