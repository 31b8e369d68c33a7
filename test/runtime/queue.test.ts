import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { CommitRequest } from '../../src/contract/store.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { mortalTab } from './mortal.ts';
import { answers, expectInStep, openShared, sharedStorage } from './stores.ts';
import { call, finish, type Play, plays, text } from './support.ts';
import { dictated } from './tab-models.ts';

const code = (value: string): object => ({ code: value });
/** The texts of the messages on the path. */
function said(runtime: LashRuntime): readonly string[] {
  return runtime
    .view()
    .window.nodes.flatMap(({ body }) =>
      body.kind === 'conversation'
        ? [body.message.parts.map((part) => (part.type === 'text' ? part.text : part.type)).join('')]
        : [],
    );
}

describe('input while a turn runs', () => {
  it('[TU10] is refused unless something else is asked for', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays(['hang']));
    const running = runtime.turn('first');
    await running.accepted;
    await expect(runtime.turn('second').accepted).rejects.toMatchObject(code('TurnRunning'));
    await running.cancel();
  });

  it('[TU10][WS2] does not wait for a tab that froze after it said that it is busy', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const frozen = await openShared(sharedStorage(tab.factory), plays(['hang']), { clock: systemClock });
    await frozen.turn('first', { inputId: 'a' }).accepted;
    const runtime = await openShared(sharedStorage(origin), answers('to a', 'to b'), { clock: systemClock });
    const queued = runtime.turn('second', { inputId: 'b', whenRunning: 'queue' });
    await queued.accepted;
    await tab.kill();
    expect(await origin.leases.acquire('s')).not.toBeNull();
    expect((await queued.result).status).toBe('completed');
    expect(said(runtime)).toEqual(['first', 'to a', 'second', 'to b']);
    expect(await runtime.pendingTurns()).toEqual([]);
    await runtime.close();
  });

  it('[TU10][TU1] is queued durably as the next turns, in their order', async () => {
    const storage = sharedStorage();
    const model = dictated();
    const runtime = await openShared(storage, model as never);
    const first = runtime.turn('first');
    await first.accepted;
    const second = runtime.turn('second', { inputId: 'b', whenRunning: 'queue' });
    const third = runtime.turn('third', { inputId: 'c', whenRunning: 'queue' });
    await Promise.all([second.accepted, third.accepted]);
    expect(runtime.view().queue.map(({ turnId }) => turnId)).toEqual(['b', 'c']);
    expect((await runtime.pendingTurns()).map(({ turnId, status }) => [turnId, status])).toEqual([
      [first.turnId, 'running'],
      ['b', 'queued'],
      ['c', 'queued'],
    ]);
    await runtime.queue.move('c', 'b');
    expect(runtime.view().queue.map(({ turnId }) => turnId)).toEqual(['c', 'b']);
    expect((await runtime.queue.list()).map(({ turnId }) => turnId)).toEqual(['c', 'b']);
    for (const handle of [first, third, second]) {
      await eventually(() => expect(runtime.view().turn?.turnId).toBe(handle.turnId));
      model.say(`to ${handle.turnId}`);
      model.done();
      expect((await handle.result).status).toBe('completed');
    }
    expect(said(runtime)).toEqual(['first', `to ${first.turnId}`, 'third', 'to c', 'second', 'to b']);
    expect(await runtime.pendingTurns()).toEqual([]);
    expect(runtime.view().queue).toEqual([]);
    await expectInStep(runtime, storage);
  });

  it('[TU10] is read by the running turn before its next model call, and then is part of it', async () => {
    const storage = sharedStorage();
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const tools: Play = [call('1', 'slow', '{}'), finish('tool-calls')];
    const provider = plays(tools, [text('both'), finish()]);
    const runtime = await openShared(storage, provider, {
      tools: [
        {
          name: 'slow',
          description: '',
          inputSchema: { type: 'object' },
          check: (value) => ({ ok: true, value }),
          execute: async () => {
            await slow;
            return 1;
          },
        },
      ],
    });
    const running = runtime.turn('first');
    await eventually(() => expect(runtime.view().turn?.toolCalls).toHaveLength(1));
    const more = runtime.turn('and this', { whenRunning: 'inject' });
    await more.accepted;
    release();
    expect((await running.result).status).toBe('completed');
    expect(await more.result).toMatchObject({ status: 'completed', reason: 'injected' });
    expect(JSON.stringify(provider.requests[1]?.messages)).toContain('and this');
    expect(said(runtime)).toEqual(['first', 'tool-call', 'and this', 'both']);
    await expectInStep(runtime, storage);
  });

  it.each([
    ['nodes', { rows: 3, bytes: 1_000_000 }, 'x'],
    ['bytes', { rows: 100, bytes: 8_000 }, 'x'.repeat(3000)],
  ])(
    '[TU10][ST13] that is more than fits one commit by its %s is read with the next steps, in its order',
    async (_what, commitBudget, more) => {
      const origin = new InMemorySessionStoreFactory({ commitBudget });
      const storage = sharedStorage(origin);
      const commits: CommitRequest[] = [];
      storage.faults.commit = async (request, proceed) => {
        commits.push(request);
        return await proceed();
      };
      const model = dictated();
      const runtime = await openShared(storage, model as never);
      const running = runtime.turn('first');
      await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
      const ids = ['1', '2', '3', '4', '5'];
      const inputs = ids.map((inputId) =>
        runtime.turn(`${inputId}${more}`, { inputId, whenRunning: 'inject' }),
      );
      for (const { accepted } of inputs) await accepted;
      for (let step = 1; runtime.view().turn !== null; step++) {
        model.say('answer');
        model.done();
        await eventually(() => {
          const { turn } = runtime.view();
          expect(turn === null || turn.step === step).toBe(true);
        });
      }
      expect((await running.result).status).toBe('completed');
      for (const { result } of inputs) expect((await result).reason).toBe('injected');
      const read = said(runtime).map((what) => what[0] ?? '');
      expect(read.filter((first) => ids.includes(first))).toEqual(ids);
      expect(commits.filter(({ operationId }) => operationId.includes('~'))).toEqual([]);
      expect(commits.filter(({ turn }) => turn?.kind === 'progress').length).toBeGreaterThan(1);
      await expectInStep(runtime, storage);
    },
  );

  it('[TU10] that came during the last answer is answered in the same turn', async () => {
    const storage = sharedStorage();
    const model = dictated();
    const runtime = await openShared(storage, model as never);
    const running = runtime.turn('first');
    await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    model.say('one');
    const more = runtime.turn('more', { whenRunning: 'inject' });
    await more.accepted;
    model.done();
    await eventually(() => expect(said(runtime)).toContain('more'));
    model.say('two');
    model.done();
    expect((await running.result).status).toBe('completed');
    expect(said(runtime)).toEqual(['first', 'one', 'more', 'two']);
  });

  it('[TU10] that no step read is the next turn', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays(['hang'], [text('next'), finish()]));
    const running = runtime.turn('first');
    await running.accepted;
    const more = runtime.turn('more', { whenRunning: 'inject' });
    await more.accepted;
    expect((await running.cancel()).status).toBe('cancelled');
    expect(await more.result).toMatchObject({ status: 'completed', reason: 'assistant_message' });
    expect(said(runtime)).toEqual(['first', 'more', 'next']);
  });

  it('[TU10] that was meant for a turn which was stopped is read by no later one, and begins its own in its order', async () => {
    const storage = sharedStorage();
    const model = dictated();
    const runtime = await openShared(storage, model as never);
    const running = runtime.turn('first');
    await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    const second = runtime.turn('second', { whenRunning: 'queue' });
    await second.accepted;
    const more = runtime.turn('more', { whenRunning: 'inject' });
    await more.accepted;
    await eventually(() => expect(runtime.view().queue.map(({ inject }) => inject)).toEqual([false, true]));
    await running.cancel();
    await eventually(() => expect(runtime.view().turn?.turnId).toBe(second.turnId));
    await eventually(() => expect(runtime.view().queue.map(({ inject }) => inject)).toEqual([false]));
    for (const answer of ['two', 'three']) {
      await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
      model.say(answer);
      model.done();
      await eventually(() => expect(said(runtime)).toContain(answer));
    }
    expect((await more.result).reason).toBe('assistant_message');
    expect(said(runtime)).toEqual(['first', 'second', 'two', 'more', 'three']);
  });

  it('[TU10] can be taken out of the queue, and then has an outcome of its own', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays(['hang'], [text('never'), finish()]));
    const running = runtime.turn('first');
    await running.accepted;
    const queued = runtime.turn('second', { whenRunning: 'queue' });
    await queued.accepted;
    expect(await queued.cancel()).toMatchObject({ status: 'cancelled', reason: 'withdrawn' });
    await expect(runtime.queue.move(queued.turnId, null)).rejects.toMatchObject(code('InputNotQueued'));
    expect((await running.cancel()).status).toBe('cancelled');
    expect(said(runtime)).toEqual(['first']);
    expect(await runtime.pendingTurns()).toEqual([]);
  });

  it('[TU10][TU6] that cannot begin any more is over, which is told once, and the next one begins', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays(['hang'], [text('next'), finish()]));
    const running = runtime.turn('first');
    await running.accepted;
    const lost = runtime.turn('lost', { from: 'nowhere.0', whenRunning: 'queue' });
    const next = runtime.turn('next', { whenRunning: 'queue' });
    await Promise.all([lost.accepted, next.accepted]);
    const ended: unknown[] = [];
    runtime.subscribe((event) => {
      if (event.type === 'turn-finished') ended.push([event.turnId, event.result.error?.code]);
    });
    await running.cancel();
    expect(await lost.result).toMatchObject({ status: 'failed', error: code('NodeNotFound') });
    expect((await next.result).status).toBe('completed');
    expect(ended).toEqual([
      [running.turnId, undefined],
      [lost.turnId, 'NodeNotFound'],
      [next.turnId, undefined],
    ]);
  });

  it('[TU10][TU1] from another tab begins when the turn is over, in one of them, and both are told how it ended', async () => {
    const storage = sharedStorage();
    const model = dictated();
    const first = await openShared(storage, model as never);
    const second = await openShared(storage, model as never);
    const running = first.turn('first');
    await running.accepted;
    const queued = second.turn('second', { whenRunning: 'queue' });
    await queued.accepted;
    await eventually(() => expect(first.view().queue).toHaveLength(1));
    model.say('first answer');
    model.done();
    await running.result;
    await eventually(() => expect(first.view().turn?.turnId).toBe(queued.turnId));
    await eventually(() => expect(second.view().turn?.turnId).toBe(queued.turnId));
    model.say('ok');
    model.done();
    expect((await queued.result).status).toBe('completed');
    await eventually(() => expect(first.view().lastTurn?.turnId).toBe(queued.turnId));
    await expectInStep(first, storage);
  });

  it('[TU10] that was queued before everything closed begins when the session is opened again', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays(['hang']));
    const running = runtime.turn('first');
    await running.accepted;
    await runtime.turn('second', { inputId: 'b', whenRunning: 'queue' }).accepted;
    await runtime.close();
    expect((await running.result).status).toBe('cancelled');
    const again = await openShared(storage, answers('later'));
    expect((await again.turn('second', { inputId: 'b' }).result).status).toBe('completed');
    expect(said(again)).toEqual(['first', 'second', 'later']);
  });
});
