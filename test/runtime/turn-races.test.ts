import { describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import type { TurnHandle } from '../../src/runtime/turn/turn-handle.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { mortalTab } from './mortal.ts';
import {
  answers,
  expectInStep,
  openShared,
  sharedStorage,
  type SharedStorage,
  unavailable,
} from './stores.ts';
import { call, finish, memoryEnvironment, openWith, type Play, plays, policy, text } from './support.ts';
import { dictated } from './tab-models.ts';

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
    await eventually(() => expect(runtime.view().turn?.toolCalls).toHaveLength(2));
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
    await eventually(() => expect(first.view().turn?.text).toBe('half'));
    void turn.cancel();
    await recorded.opened;
    const provider = answers('a whole answer');
    const second = await openShared(sharedStorage(origin), provider);
    expect((await second.turn('hi', { inputId: 't' }).result).status).toBe('cancelled');
    expect(provider.requests).toHaveLength(0);
  });
});

describe('a turn that is about to wait', () => {
  const asks: Play = [call('1', 'pay', '{}'), finish('tool-calls')];

  it('[TU5][TU11] hears that it is to stop while its question is being stored', async () => {
    const storage = sharedStorage();
    const pay = tool('pay', () => 1, { approval: true });
    const runtime = await openShared(storage, plays(asks), { tools: [pay] });
    const asked = gate();
    const stored = gate();
    storage.faults.record = async (record, proceed) => {
      if (record.waits === undefined) return await proceed();
      asked.open();
      await stored.opened;
      return await proceed();
    };
    const turn = runtime.turn('pay');
    await asked.opened;
    const result = turn.cancel();
    await ticks(20);
    stored.open();
    expect((await result).status).toBe('cancelled');
  });

  it.each(TICKS)(
    '[TU11] hears an answer that comes while it goes on with another one (%i)',
    async (count) => {
      const storage = sharedStorage();
      const pay = tool('pay', () => 1, { approval: true });
      const twice: Play = [call('1', 'pay', '{}'), call('2', 'pay', '{}'), finish('tool-calls')];
      // The lease lingers: nothing but the answer itself makes the turn go on.
      const options = { tools: [pay], clock: systemClock, lingerMs: 600_000 };
      const runtime = await openShared(storage, plays(twice, done), options);
      const turn = runtime.turn('pay');
      await eventually(() => expect(runtime.view().turn?.waits).toHaveLength(2));
      const [one, other] = (runtime.view().turn?.waits ?? []) as readonly { readonly requestId: string }[];
      await runtime.answer(one?.requestId ?? '', { approve: true });
      await ticks(count);
      await runtime.answer(other?.requestId ?? '', { approve: true });
      const late = new Promise((resolve) => setTimeout(() => resolve('late'), 60_000));
      expect(await Promise.race([turn.result, late])).toMatchObject({ status: 'completed' });
      await runtime.close();
    },
  );

  it('[TU11] hears an answer that was there before the question, while another call runs', async () => {
    const slow = gate();
    const asked = gate();
    const decided = gate();
    const paid = vi.fn<() => JsonValue>(() => 1);
    const approval = async (): Promise<boolean> => {
      asked.open();
      await decided.opened;
      return true;
    };
    const both: Play = [call('1', 'slow', '{}'), call('2', 'pay', '{}'), finish('tool-calls')];
    const runtime = await openShared(sharedStorage(), plays(both, done), {
      tools: [tool('slow', async () => await slow.opened.then(() => 1)), tool('pay', paid, { approval })],
    });
    const turn = runtime.turn('pay', { inputId: 't' });
    await asked.opened;
    await runtime.answer('t/tool-0-1', { approve: true });
    decided.open();
    await eventually(() => expect(paid).toHaveBeenCalledTimes(1));
    slow.open();
    expect((await turn.result).status).toBe('completed');
  });

  it('[TU5] is stopped although it was taken away before that could be stored', async () => {
    const storage = sharedStorage();
    // Whichever tab goes on with it asks a model that does not answer.
    const model = plays(...Array.from({ length: 9 }, (): Play => ['hang']));
    const first = await openShared(storage, model);
    const turn = first.turn('hi');
    await eventually(() => expect(model.requests).toHaveLength(1));
    const stopping = gate();
    const taken = gate();
    storage.faults.record = async (record, proceed) => {
      if (!JSON.stringify(record.entries).includes('"cancel"')) return await proceed();
      delete storage.faults.record;
      stopping.open();
      await taken.opened;
      return await proceed();
    };
    const result = turn.cancel();
    await stopping.opened;
    const second = await openShared(storage, model);
    await second.takeOver({ force: true });
    taken.open();
    expect((await result).status).toBe('cancelled');
    await Promise.all([first.close(), second.close()]);
  });

  it.each(TICKS)('[TU5] and that is taken over meanwhile is stopped all the same (%i)', async (count) => {
    const storage = sharedStorage();
    const first = await openShared(storage, plays(['hang']));
    const turn = first.turn('hi');
    await turn.accepted;
    const second = await openShared(storage, plays(['hang']));
    const taken = second.takeOver({ force: true });
    await ticks(count);
    expect((await turn.cancel()).status).toBe('cancelled');
    await taken;
    await Promise.all([first.close(), second.close()]);
  });
});

/** Sessions whose next look at the head waits, once that was asked for: `reached` resolves when it does. */
function slowHead(origin: InMemorySessionStoreFactory): {
  readonly factory: InMemorySessionStoreFactory;
  readonly holdNext: () => { readonly reached: Promise<void>; readonly letGo: () => void };
} {
  let next: (() => Promise<void>) | undefined;
  const bound = (target: object, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, key, target);
    return typeof value === 'function' ? (value.bind(target) as unknown) : value;
  };
  const open = async (...args: Parameters<InMemorySessionStoreFactory['open']>): Promise<object> => {
    const store = await origin.open(...args);
    const load: typeof store.load = async (scope) => {
      const wait = next;
      next = undefined;
      await wait?.();
      return await store.load(scope);
    };
    return new Proxy(store, { get: (target, key) => (key === 'load' ? load : bound(target, key)) });
  };
  return {
    factory: new Proxy(origin, { get: (target, key) => (key === 'open' ? open : bound(target, key)) }),
    holdNext: () => {
      const reached = gate();
      const held = gate();
      next = async () => {
        reached.open();
        await held.opened;
      };
      return { reached: reached.opened, letGo: held.open };
    },
  };
}

describe('a tab that is about to begin a turn while another one writes', () => {
  it('[WS6] asks whoever took the session over, where its input was not stored', async () => {
    const origin = new InMemorySessionStoreFactory();
    const { factory, holdNext } = slowHead(origin);
    const first = await openShared(sharedStorage(factory), plays(done));
    const second = await openShared(sharedStorage(origin), plays(done));
    const { reached, letGo } = holdNext();
    const turn = first.turn('hi');
    await reached;
    await second.takeOver({ force: true });
    letGo();
    expect((await turn.result).status).toBe('completed');
    await Promise.all([first.close(), second.close()]);
  });

  it('[FO1] shows what that one stored, also when its own turn does not begin', async () => {
    const origin = new InMemorySessionStoreFactory();
    const { factory, holdNext } = slowHead(origin);
    const reader = await openShared(sharedStorage(factory), plays(done));
    const writer = await openShared(sharedStorage(origin), plays(done));
    const { reached, letGo } = holdNext();
    const from = reader.turn('me too', { from: 'nobody.0' });
    const refused = from.accepted.catch((error: unknown) => error);
    await reached;
    await writer.takeOver({ force: true });
    expect((await writer.turn('hi').result).status).toBe('completed');
    await reader.wake();
    letGo();
    expect(await refused).toMatchObject({ code: 'NodeNotFound' });
    await eventually(() => expect(said(reader)).toEqual(['hi', 'done']));
    await Promise.all([reader.close(), writer.close()]);
  });
});

describe('a session that is closed', () => {
  it('[TU6] tells so whoever waits for turns that go on another time', async () => {
    const storage = sharedStorage();
    const pay = tool('pay', () => 1, { approval: true });
    const asks: Play = [call('1', 'pay', '{}'), finish('tool-calls')];
    const runtime = await openShared(storage, plays(asks), { tools: [pay] });
    const waits = runtime.turn('pay');
    await eventually(() => expect(runtime.view().turn?.waits).toHaveLength(1));
    const queued = runtime.turn('next', { whenRunning: 'queue' });
    await queued.accepted;
    await runtime.close();
    for (const { result } of [waits, queued])
      await expect(result).rejects.toMatchObject({ code: 'SessionClosed' });
    const again = await openShared(storage, plays(), { tools: [pay] });
    expect(await again.pendingTurns()).toMatchObject([{ status: 'waiting' }, { status: 'queued' }]);
  });

  it('[ST12][TU6] or deleted in another tab, tells so whoever waits, and looks for its turns no more', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays(['hang']));
    const turn = runtime.turn('hi');
    await turn.accepted;
    await storage.factory.delete('s');
    storage.factory.leases.publish('s', { kind: 'deleted' });
    await expect(turn.result).rejects.toMatchObject({ code: 'SessionDeleted' });
    await runtime.close();
  });
});

describe('a host that wants to be asked', () => {
  it.each(TICKS)('[SN2] has a turn gone on with, whatever is refused meanwhile (%i)', async (count) => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const first = await openShared(sharedStorage(tab.factory), plays(['hang']));
    await first.turn('hi', { inputId: 't' }).accepted;
    await tab.kill();
    const runtime = await openShared(sharedStorage(origin), plays(['hang']), { unfinishedTurns: 'ask' });
    runtime.resumeTurns();
    await ticks(count);
    await expect(runtime.turn('other').accepted).rejects.toMatchObject({ code: 'TurnRunning' });
    await eventually(() => expect(runtime.view().turn).toMatchObject({ turnId: 't', interrupted: false }));
    // The lease is kept while it runs.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await origin.leases.isHeld('s')).toBe(true);
    await runtime.close();
  });
});

describe('input that is queued', () => {
  it.each(TICKS)(
    '[SN3][TU10] goes behind what is queued, also where nothing runs just now (%i)',
    async (count) => {
      const storage = sharedStorage();
      const provider = answers('one', 'two', 'three');
      const runtime = await openShared(storage, provider);
      const first = runtime.turn('first');
      const second = runtime.turn('second', { whenRunning: 'queue' });
      await first.result;
      await ticks(count);
      const third = runtime.turn('third', { whenRunning: 'queue' });
      await Promise.all([second.result, third.result]);
      expect(said(runtime)).toEqual(['first', 'one', 'second', 'two', 'third', 'three']);
    },
  );
});

describe('input that is to be read by a turn', () => {
  it('[TU10] that may make no further step is the next turn, and the answer stands', async () => {
    const model = dictated();
    const runtime = await openShared(sharedStorage(), model as never, { policy: { ...policy, maxSteps: 1 } });
    const running = runtime.turn('first');
    await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    model.say('one');
    const more = runtime.turn('more', { whenRunning: 'inject' });
    await more.accepted;
    model.done();
    expect((await running.result).status).toBe('completed');
    await eventually(() => expect(said(runtime)).toContain('more'));
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
    await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    model.say('some text');
    await told.opened;
    model.callTool('t');
    await eventually(() => expect(runtime.view().turn?.correlationId).toBe(`${turn.turnId}:1:1`));
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
    await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
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
    await eventually(() => expect(runtime.view().turn?.correlationId).toBe('b:0:1'));
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
    await eventually(() => expect(runtime.view().turn?.waits).toMatchObject([{ kind: 'storage' }]));
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
      await eventually(() => expect(runtime.view().turn).toBeNull());
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

describe('a model call whose attachments cannot be read for a while', () => {
  /** A turn with an image, whose bytes are not to be had once it was accepted, and how to bring them back. */
  async function withImage(): Promise<{
    readonly turn: TurnHandle;
    readonly waits: Promise<void>;
    readonly back: () => void;
  }> {
    const attachments = new InMemoryAttachmentStore();
    const attachment = await attachments.put(new Uint8Array([1, 2, 3]), { mime: 'image/png' });
    const environment = memoryEnvironment((builder) => builder.withAttachmentStore(attachments));
    const { runtime } = await openWith(plays(done), { environment });
    const waits = gate();
    const away = vi.spyOn(attachments, 'get');
    runtime.subscribe((event) => {
      if (event.type === 'turn-started') away.mockRejectedValue(unavailable());
      if (event.type === 'turn-waiting' && event.waits[0]?.kind === 'storage') waits.open();
    });
    const turn = runtime.turn({ parts: [{ type: 'image', attachment }] });
    return { turn, waits: waits.opened, back: () => away.mockRestore() };
  }

  it('[ST17] is made when they can, and counts as one attempt', async () => {
    const { turn, waits, back } = await withImage();
    await waits;
    await new Promise((resolve) => setTimeout(resolve, 20));
    back();
    expect((await turn.result).status).toBe('completed');
  });

  it('[ST17][TU5] can be stopped', async () => {
    const { turn, waits } = await withImage();
    await waits;
    expect((await turn.cancel()).status).toBe('cancelled');
  });
});
