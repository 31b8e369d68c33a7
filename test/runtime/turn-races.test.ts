import { describe, expect, it, vi } from 'vitest';

import type { Tool } from '../../src/contract/tool.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import type { TurnHandle } from '../../src/runtime/turn/turn-handle.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { mortalTab } from './mortal.ts';
import {
  answers,
  expectInStep,
  openShared,
  sharedStorage,
  type SharedStorage,
  unavailable,
} from './stores.ts';
import { call, finish, type Play, plays, policy, text } from './support.ts';
import { dictated } from './tab-models.ts';

const until = async (check: () => void | Promise<void>): Promise<void> =>
  await vi.waitFor(check, { timeout: 10_000, interval: 1 });
const done: Play = [text('done'), finish()];

function tool(name: string, execute: () => JsonValue | Promise<JsonValue>, more: Partial<Tool> = {}): Tool {
  return {
    name,
    description: name,
    inputSchema: { type: 'object' },
    check: (value) => ({ ok: true, value }),
    execute,
    ...more,
  };
}

/** How many microtasks something comes later: every moment in which it may meet something else. */
const TICKS = Array.from({ length: 48 }, (_, index) => index);

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await Promise.resolve();
}

/** A promise and the function that fulfils it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

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

describe('a turn that is stopped', () => {
  it('[TU5][TL3] begins none of the calls that waited for their turn', async () => {
    const serial = vi.fn<() => JsonValue>(() => 1);
    const runtime = await openShared(
      sharedStorage(),
      plays([call('1', 'slow', '{}'), call('2', 'serial', '{}'), finish('tool-calls')], done),
      {
        tools: [
          tool('slow', async () => await new Promise(() => undefined)),
          tool('serial', serial, { mode: 'serial' }),
        ],
      },
    );
    const turn = runtime.turn('go');
    await until(() => expect(runtime.view().turn?.toolCalls).toHaveLength(2));
    expect((await turn.cancel()).status).toBe('cancelled');
    expect(serial).not.toHaveBeenCalled();
    const invocations = runtime
      .view()
      .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body] : []));
    expect(invocations.map(({ invocation }) => invocation.outcome.status)).toEqual([
      'cancelled',
      'cancelled',
    ]);
  });

  it('[TU5][TU3] stays stopped for whoever goes on with it, and no model is asked', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const storage = sharedStorage(tab.factory);
    const recorded = gate();
    storage.faults.record = async (record, proceed) => {
      await proceed();
      if (!JSON.stringify(record.entries).includes('"cancel"')) return;
      await tab.kill();
      recorded.open();
      await new Promise(() => undefined);
    };
    const first = await openShared(storage, plays([text('half'), 'hang']));
    const turn = first.turn('hi', { inputId: 't' });
    await until(() => expect(first.view().turn?.text).toBe('half'));
    void turn.cancel();
    await recorded.opened;
    const provider = answers('a whole answer');
    const second = await openShared(sharedStorage(origin), provider);
    expect((await second.turn('hi', { inputId: 't' }).result).status).toBe('cancelled');
    expect(provider.requests).toHaveLength(0);
  });
});

describe('input that is to be read by a turn', () => {
  it('[TU10] that may make no further step is the next turn, and the answer stands', async () => {
    const model = dictated();
    const runtime = await openShared(sharedStorage(), model as never, { policy: { ...policy, maxSteps: 1 } });
    const running = runtime.turn('first');
    await until(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    model.say('one');
    const more = runtime.turn('more', { whenRunning: 'inject' });
    await more.accepted;
    model.done();
    expect((await running.result).status).toBe('completed');
    await until(() => expect(said(runtime)).toContain('more'));
    model.say('two');
    model.done();
    expect(await more.result).toMatchObject({ status: 'completed', reason: 'assistant_message' });
    expect(said(runtime)).toEqual(['first', 'one', 'more', 'two']);
  });
});

describe('the journal of a turn', () => {
  it('[TU3][RC4] stands where a write was done that was told as failed', async () => {
    const storage = sharedStorage();
    const model = dictated();
    const runtime = await openShared(storage, model as never, { tools: [tool('t', () => 1)] });
    const told = gate();
    storage.faults.record = async (record, proceed) => {
      await proceed();
      if (!JSON.stringify(record.entries).includes('"shown"')) return;
      delete storage.faults.record;
      told.open();
      throw unavailable();
    };
    const turn = runtime.turn('hi');
    await until(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    model.say('some text');
    await told.opened;
    model.callTool('t');
    await until(() => expect(runtime.view().turn?.correlationId).toBe(`${turn.turnId}:1:1`));
    model.say('done');
    model.done();
    expect((await turn.result).status).toBe('completed');
    await expectInStep(runtime, storage);
  });
});

describe('a queued input whose turn begins', () => {
  /** A turn that is about to end, and an input that is queued behind it. */
  async function aboutToEnd(): Promise<{
    readonly storage: SharedStorage;
    readonly runtime: LashRuntime;
    readonly model: ReturnType<typeof dictated>;
    readonly ends: unknown[];
    readonly first: TurnHandle;
    readonly second: TurnHandle;
  }> {
    const storage = sharedStorage();
    const model = dictated();
    const runtime = await openShared(storage, model as never);
    const ends: unknown[] = [];
    runtime.subscribe((event) => {
      if (event.type === 'turn-finished' && event.turnId === 'b') ends.push(event.result.status);
    });
    const first = runtime.turn('first', { inputId: 'a' });
    await until(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    const second = runtime.turn('second', { inputId: 'b', whenRunning: 'queue' });
    await second.accepted;
    model.say('one');
    return { storage, runtime, model, ends, first, second };
  }

  it('[TU1][TU6][ST17] while storage does not take it waits for that, and ends once', async () => {
    const { storage, runtime, model, ends, second } = await aboutToEnd();
    let fails = 2;
    storage.faults.commit = async (request, proceed) => {
      if (request.turn?.kind === 'begin' && fails-- > 0) throw unavailable();
      return await proceed();
    };
    model.done();
    await until(() => expect(runtime.view().turn?.correlationId).toBe('b:0:1'));
    model.say('two');
    model.done();
    expect((await second.result).status).toBe('completed');
    expect(ends).toEqual(['completed']);
    expect(said(runtime)).toEqual(['first', 'one', 'second', 'two']);
    await expectInStep(runtime, storage);
  });

  it('[TU1][ST17] keeps nobody else waiting, and stays queued where the session is closed', async () => {
    const { storage, runtime, model, ends, first } = await aboutToEnd();
    storage.faults.commit = async (request, proceed) =>
      request.turn?.kind === 'begin' ? await Promise.reject(unavailable()) : await proceed();
    model.done();
    await first.result;
    await until(() => expect(runtime.view().turn?.waits).toMatchObject([{ kind: 'storage' }]));
    await expect(runtime.turn('third').accepted).rejects.toMatchObject({ code: 'TurnRunning' });
    await expect(runtime.branchToNode(null)).rejects.toMatchObject({ code: 'TurnRunning' });
    await runtime.close();
    expect(ends).toEqual([]);
    delete storage.faults.commit;
    const again = await openShared(storage, answers('two'));
    expect((await again.turn('second', { inputId: 'b' }).result).status).toBe('completed');
    expect(said(again)).toEqual(['first', 'one', 'second', 'two']);
  });

  it.each(TICKS)(
    '[TU5][TU6] and that is taken out of the queue then ends as that, once (%i)',
    async (count) => {
      const { runtime, model, ends, first, second } = await aboutToEnd();
      model.done();
      await first.result;
      await ticks(count);
      expect((await second.cancel()).status).toBe('cancelled');
      await until(() => expect(runtime.view().turn).toBeNull());
      expect(ends.filter((status) => status !== 'cancelled')).toEqual([]);
      expect(ends.length).toBeLessThan(2);
    },
  );

  it.each(TICKS)('[TU1] is answered once, whenever the session is closed meanwhile (%i)', async (count) => {
    const { storage, runtime, model, first } = await aboutToEnd();
    model.done();
    await first.result;
    await ticks(count);
    await runtime.close();
    const again = await openShared(storage, answers('two'));
    const { status } = await again.turn('second', { inputId: 'b' }).result;
    // The turn had begun, and was stopped.
    const isBegun = status === 'cancelled';
    expect(said(again)).toEqual(['first', 'one', 'second', ...(isBegun ? [] : ['two'])]);
    expect(status).not.toBe('failed');
  });
});
