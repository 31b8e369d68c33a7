import { describe, expect, it } from 'vitest';

import { MAX_ID_BYTES } from '../../src/core/id.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { asksChild, home, modelFor, openParent, says, storedMetas, USED } from './children-support.ts';
import { asks, counts, done, memory, openTab, textsOf } from './plugin-support.ts';
import { finish, openWith, plays, policy, text, toolNamed } from './support.ts';

/** What the first release of the original did wrong in what it keeps and counts, by its number there. */
describe('a flaw of the original', () => {
  it('[flaw 12] parking writes nothing that others trip over, and loses no count', async () => {
    const { runtime, environment } = await openWith(plays(done), { sessionId: 's' });
    await runtime.turn('go').result;
    const before = [runtime.view().head, runtime.usage()];
    const parked = await runtime.park();
    const other = await LashRuntime.open(environment, { sessionId: 's', providers: { fake: plays(done) } });
    expect([other.view().head, other.usage()]).toEqual(before);
    await other.turn('meanwhile').result;
    await other.close();
    const resumed = await LashRuntime.resume(parked, environment, { providers: { fake: plays(done) } });
    expect((await resumed.turn('on').result).status).toBe('completed');
    expect(textsOf(resumed)).toEqual(['go', 'done', 'meanwhile', 'done', 'on', 'done']);
    expect(resumed.usage().ledger).toMatchObject([{ usage: { inputTokens: 3 * USED.inputTokens } }]);
    await resumed.close();
  });

  it('[flaw 18] nothing is appended twice, and an id is as short as that of its operation', async () => {
    const plugin = counts({
      afterStep: (_, { state }) => state.set({ count: state.get().count + 1 }),
      afterTurn: () => [{ pluginType: 'note', data: 1 }],
    });
    const runtime = await openTab(memory(), plays(asks('looks'), done, done), [plugin], {
      tools: [toolNamed('looks')],
    });
    await runtime.turn('go').result;
    await runtime.turn('again').result;
    const { nodes } = runtime.view().window;
    expect(nodes.map(({ body }) => body.kind)).toEqual([
      'conversation',
      'conversation',
      'tool',
      'conversation',
      'plugin',
      'conversation',
      'conversation',
      'plugin',
    ]);
    expect(runtime.view().head).toMatchObject({ nodeCount: nodes.length, depth: nodes.length });
    for (const { id } of nodes) expect(id).toMatch(new RegExp(`^.{1,${MAX_ID_BYTES}}\\.\\d+$`, 'u'));
    await runtime.close();
  });

  it('[flaw 23] a stop that comes within the last word keeps what was said, and one that comes behind the end changes nothing', async () => {
    const provider = {
      ...plays(),
      async *stream() {
        await Promise.resolve();
        yield text('all of it');
        void turn.cancel('enough');
        yield finish();
      },
    };
    const { runtime } = await openWith(provider);
    const turn = runtime.turn('go', { inputId: 't' });
    const first = await turn.result;
    expect(textsOf(runtime)).toEqual(['go', 'all of it']);
    await turn.cancel('again').catch(() => undefined);
    expect(await runtime.turn('go', { inputId: 't' }).result).toEqual(first);
    expect(textsOf(runtime)).toEqual(['go', 'all of it']);
  });

  it('[flaw 24] what was used is counted by the model that used it, whichever the session has now', async () => {
    const environment = home();
    const cheap = { provider: { id: 'fake', model: 'cheap' } };
    const model = modelFor({ go: [asks('ask'), done], task: [says('fine')], again: [done] });
    const parent = await LashRuntime.open(environment, {
      mode: 'create',
      policy,
      tools: [asksChild('task', { source: 'helper', policy: cheap })],
      providers: { fake: ({ model: named }) => ({ ...model, model: named }) },
    });
    await parent.turn('go').result;
    await parent.setPolicy({ provider: { id: 'fake', model: 'newer' } });
    await parent.turn('again').result;
    const counted = parent
      .usage()
      .ledger.map(({ source, model: by, usage }) => [source, by, usage.inputTokens / USED.inputTokens]);
    expect(new Set(counted)).toEqual(
      new Set([
        ['turn', 'fake-1', 2],
        ['helper', 'cheap', 1],
        ['turn', 'newer', 1],
      ]),
    );
    expect(parent.usage().total.inputTokens).toBe(4 * USED.inputTokens);
    await parent.close();
  });

  it('[flaw 26] a result without text and a plugin’s change are stored with their round, before the next call', async () => {
    const factory = memory();
    const stored = async (): Promise<readonly unknown[]> => {
      const store = await factory.open('s', { kind: 'open' });
      const { nodes, checkpoint } = await store.load({ kind: 'path', checkpoint: true });
      await store.close();
      return [
        nodes.map(({ body }) => body.kind),
        Object.values(checkpoint?.components ?? {}).map(({ body }) => body),
      ];
    };
    const seen: unknown[] = [];
    const looks = toolNamed('looks', {
      execute: async () => {
        seen.push(await stored());
        return 'seen';
      },
    });
    const plugin = counts({
      afterToolCall: (_call, outcome, { state }) => {
        state.set({ count: 1 });
        return outcome;
      },
    });
    const runtime = await openTab(factory, plays(asks('empty'), asks('looks'), done), [plugin], {
      tools: [toolNamed('empty', { execute: () => '' }), looks],
    });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(seen).toEqual([[['conversation', 'conversation', 'tool'], [{ count: 1 }]]]);
    await runtime.close();
  });

  it('[flaw 29] a resumed session has the tools that it is resumed with, whatever it had', async () => {
    const provider = plays(done);
    const { environment } = await openWith(plays());
    const runtime = await LashRuntime.open(environment, {
      mode: 'create',
      policy,
      tools: [toolNamed('old')],
    });
    const parked = await runtime.park();
    const resumed = await LashRuntime.resume(parked, environment, {
      providers: { fake: provider },
      tools: [toolNamed('new')],
    });
    await resumed.turn('on').result;
    expect(provider.requests[0]?.tools.map(({ name }) => name)).toEqual(['new']);
    await resumed.close();
  });

  it('[flaw 40] the policy of a child holds no secret, and names those that it uses', async () => {
    const factory = new InMemorySessionStoreFactory();
    const secrets = new SecretVault();
    secrets.set('key', 'sk-canary-123');
    const provider = { id: 'fake', model: 'fake-1', credentials: 'key', options: { note: 'sk-canary-123' } };
    const model = modelFor({ go: [asks('ask'), done], task: [says('fine')] });
    const runtime = await openParent(
      home({ factory }),
      model,
      [asksChild('task', { policy: { provider }, title: 'With sk-canary-123' })],
      { secrets },
    );
    expect((await runtime.turn('go').result).status).toBe('completed');
    await runtime.close();
    const metas = await storedMetas(factory);
    expect(metas).toHaveLength(2);
    expect(metas[1]?.policy.provider).toMatchObject({ credentials: 'key', options: { note: '[redacted]' } });
    expect(JSON.stringify(metas)).not.toContain('canary');
  });
});
