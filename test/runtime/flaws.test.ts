import { describe, expect, it } from 'vitest';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import { LashError } from '../../src/core/error.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { patientClock } from './children-support.ts';
import { asks, counts, done, memory, openTab, plain, textsOf, turnCounter } from './plugin-support.ts';
import { faultyFactory } from './stores.ts';
import { keepingSink, memoryEnvironment, openWith, plays, policy, toolNamed } from './support.ts';

/** What the first release of the original did wrong in its plugins, prompts and child sessions, by its number there. */
describe('a flaw of the original', () => {
  it('[flaw 13] a host cannot append during a turn, whose commits are not disturbed by it', async () => {
    const codes: string[] = [];
    const appends = toolNamed('appends', {
      execute: async () => {
        const node = { kind: 'plugin', pluginType: 'note', data: 1 } as const;
        await runtime.appendSessionNodes({ nodes: [node] }).catch((error: unknown) => {
          codes.push((error as { readonly code: string }).code);
        });
        return 'tried';
      },
    });
    const runtime: LashRuntime = (await openWith(plays(asks('appends'), done), { tools: [appends] })).runtime;
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(codes).toEqual(['TurnRunning']);
    expect(
      (await runtime.appendSessionNodes({ nodes: [{ kind: 'plugin', pluginType: 'note', data: 1 }] })).leaf,
    ).not.toBeNull();
  });

  it('[flaw 14] what a plugin keeps and cannot be stored ends the turn, and is named', async () => {
    const greedy = counts({
      beforeStep: ({ state }) => state.set({ count: 1, more: 'x'.repeat(70_000) } as never),
    });
    const runtime = await openTab(memory(), plays(done), [greedy]);
    const { status, error } = await runtime.turn('go').result;
    expect([status, error?.code]).toEqual(['failed', 'PluginFailed']);
    expect(error?.cause).toMatchObject({ code: 'InvalidInput' });
    await runtime.close();
  });

  it('[flaw 16] a plugin whose stored state cannot be read does not begin anew: no turn begins', async () => {
    const origin = memory();
    const counter = turnCounter();
    const before = await openTab(origin, plays(done), [counts(counter.hooks)]);
    await before.turn('go').result;
    await before.close();
    const lost = new LashError('StoredDataCorrupt', 'gone', { sessionId: 's', nodeId: null, reason: 'gone' });
    const factory = faultyFactory(
      {
        load: async (scope, proceed) => {
          if (scope.kind === 'path' && scope.checkpoint === true) throw lost;
          return await proceed();
        },
      },
      origin,
    );
    const after = await openTab(factory, plays(done), [counts(counter.hooks)]);
    await expect(after.turn('again').accepted).rejects.toMatchObject({ code: 'StoredDataCorrupt' });
    expect(counter.seen).toEqual([0]);
    await after.close();
    const sound = await openTab(origin, plays(done), [counts(counter.hooks)]);
    await sound.turn('again').result;
    expect(counter.seen).toEqual([0, 1]);
    await sound.close();
  });

  it('[flaw 27] a turn that a plugin ends is stored as one, and known again by whoever opens the session', async () => {
    const factory = memory();
    const stops = plain({ beforeStep: () => ({ abort: 'enough' }) });
    const before = await openTab(factory, plays(), [stops]);
    const first = await before.turn('go', { inputId: 't' }).result;
    await before.close();
    const after = await openTab(factory, plays(), [stops]);
    expect(await after.turn('go', { inputId: 't' }).result).toEqual(first);
    expect(first.reason).toBe('plugin_abort');
    expect(textsOf(after)).toEqual(['go']);
    await after.close();
  });

  it('[flaw 30] a plugin that fails to say which tools there are leaves the model none of them: the turn ends', async () => {
    const provider = plays(done);
    const restricts = plain({
      availableTools: () => {
        throw new Error('broken');
      },
    });
    const runtime = await openTab(memory(), provider, [restricts], { tools: [toolNamed('dangerous')] });
    expect(await runtime.turn('go').result).toMatchObject({
      status: 'failed',
      error: { code: 'PluginFailed' },
    });
    expect(provider.requests).toEqual([]);
    await runtime.close();
  });

  it('[flaw 31] a hook may pass the conversation on once a tool has run', async () => {
    const passes = plain({
      afterToolCall: async (_call, _outcome, { sessions }) => {
        await sessions.handOff({ input: 'go on' });
        return undefined;
      },
    });
    const factory = memory();
    const runtime = await openTab(factory, plays(asks('works')), [passes], {
      tools: [toolNamed('works')],
      clock: patientClock(),
    });
    const { reason, successor } = await runtime.turn('go').result;
    expect(reason).toBe('handoff');
    expect((await factory.list({ parent: 's' })).items.map(({ sessionId }) => sessionId)).toEqual([
      successor,
    ]);
    await runtime.close();
  });

  it('[flaw 32] what is told as committed is stored by then', async () => {
    const factory = memory();
    const runtime = await openTab(factory, plays(done), []);
    const stored: Promise<boolean>[] = [];
    runtime.subscribe((event) => {
      if (event.type !== 'nodes-committed') return;
      const ids = event.nodes.map(({ id }) => id);
      const read = factory.open('s', { kind: 'open' }).then(async (store) => {
        const { nodes } = await store.load({ kind: 'path' });
        return ids.every((id) => nodes.some((node) => node.id === id));
      });
      stored.push(read);
    });
    await runtime.turn('go').result;
    expect(await Promise.all(stored)).toEqual([true, true]);
    await runtime.close();
  });

  it('[flaw 34] a session that is closed is disposed of at once, and its id is free on its host', async () => {
    let disposed = 0;
    const host = new PluginHost([plain({ dispose: () => void disposed++ })]);
    const environment = memoryEnvironment((builder) => builder.withPluginHost(host));
    const open = async (): Promise<LashRuntime> =>
      await LashRuntime.open(environment, {
        sessionId: 's',
        mode: 'openOrCreate',
        policy,
        providers: { fake: plays() },
      });
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: 'SessionInUse' });
    await first.close();
    expect(disposed).toBe(1);
    await (await open()).close();
    expect(disposed).toBe(2);
  });

  it('[flaw 35] a prompt that changes within a turn is traced again, and says whose part changed', async () => {
    const sink = keepingSink();
    const steps = plain({ prompt: ({ step }) => [{ slot: 'guidance', content: `step ${step}` }] });
    const environment = memoryEnvironment((builder) =>
      builder.withPluginHost(new PluginHost([steps])).withTraceSink(sink),
    );
    const { runtime } = await openWith(plays(asks('works'), done), {
      environment,
      tools: [toolNamed('works')],
    });
    await runtime.turn('go').result;
    const built = sink.records.flatMap((record) => (record.type === 'prompt_built' ? [record] : []));
    expect(new Set(built.map(({ prompt_hash }) => prompt_hash)).size).toBe(2);
    const [first, second] = built.map(
      ({ components }) => new Map(components.map(({ id, hash }) => [id, hash])),
    );
    const changed = [...(first ?? [])].filter(([id, hash]) => second?.get(id) !== hash).map(([id]) => id);
    expect(changed).toEqual(['p:guidance.0']);
  });

  it('[flaw 35] a prompt that does not change within a turn is traced once', async () => {
    const sink = keepingSink();
    const environment = memoryEnvironment((builder) =>
      builder
        .withPluginHost(new PluginHost([plain({ prompt: () => [{ slot: 'guidance', content: 'same' }] })]))
        .withTraceSink(sink),
    );
    const { runtime } = await openWith(plays(asks('works'), done), {
      environment,
      tools: [toolNamed('works')],
    });
    await runtime.turn('go').result;
    expect(sink.records.filter(({ type }) => type === 'prompt_built')).toHaveLength(1);
  });
});
