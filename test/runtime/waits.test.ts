import { describe, expect, it } from 'vitest';

import { type Clock, systemClock } from '../../src/contract/clock.ts';
import type { Providers } from '../../src/contract/provider.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { LashError } from '../../src/core/error.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import { RateLimits } from '../../src/runtime/model/rate-limits.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { mortalTab } from './mortal.ts';
import { answers, expectInStep, openShared, sharedStorage, type SharedStorage } from './stores.ts';
import { call, finish, type Play, plays, policy, text } from './support.ts';

const code = (value: string): object => ({ code: value });
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

const asks: Play = [call('1', 'pay', '{"sum":5}'), finish('tool-calls')];
const done: Play = [text('done'), finish()];

async function waitsFor(runtime: LashRuntime, kind: TurnWait['kind']): Promise<TurnWait> {
  await eventually(() => expect(runtime.view().turn?.waits.map((wait) => wait.kind)).toEqual([kind]));
  return runtime.view().turn!.waits[0]!;
}

async function expectNoLease(storage: SharedStorage): Promise<void> {
  await eventually(async () => expect(await storage.factory.leases.isHeld('s')).toBe(false));
}

const outcomes = (runtime: LashRuntime): readonly unknown[] =>
  runtime.view().window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

describe('a turn that waits for an approval', () => {
  it('[TU11][TL4] is stored with its question, holds no lease, and goes on once it is approved', async () => {
    const storage = sharedStorage();
    let runs = 0;
    const pay = tool('pay', () => ++runs, { approval: true });
    const runtime = await openShared(storage, plays(asks, done), { tools: [pay], lingerMs: 0 });
    const turn = runtime.turn('pay');
    const wait = await waitsFor(runtime, 'approval');
    expect(wait).toMatchObject({ callId: '1', tool: 'pay', args: { sum: 5 } });
    await expectNoLease(storage);
    expect(await runtime.pendingTurns()).toMatchObject([{ status: 'waiting', waits: [wait] }]);
    expect(runs).toBe(0);
    const { requestId } = wait as Extract<TurnWait, { kind: 'approval' }>;
    expect(await runtime.answer(requestId, { approve: true })).toEqual({ approve: true });
    expect((await turn.result).status).toBe('completed');
    expect(outcomes(runtime)).toEqual([{ status: 'success', value: 1 }]);
    await expectInStep(runtime, storage);
  });

  it('[TU11] tells the model what was decided where it is denied', async () => {
    const storage = sharedStorage();
    let runs = 0;
    const pay = tool('pay', () => ++runs, { approval: () => true });
    const provider = plays(asks, done);
    const runtime = await openShared(storage, provider, { tools: [pay] });
    const turn = runtime.turn('pay');
    const wait = await waitsFor(runtime, 'approval');
    const { requestId } = wait as Extract<TurnWait, { kind: 'approval' }>;
    await runtime.answer(requestId, { approve: false, reason: 'too much' });
    expect((await turn.result).status).toBe('completed');
    expect(runs).toBe(0);
    expect(outcomes(runtime)).toMatchObject([{ status: 'failure', code: 'ToolDenied' }]);
    expect(JSON.stringify(provider.requests[1])).toContain('too much');
  });

  it('[TU11] is asked after a reload, answered from another tab, and only the first answer counts', async () => {
    const storage = sharedStorage();
    let runs = 0;
    const pay = tool('pay', () => ++runs, { approval: true });
    const first = await openShared(storage, plays(asks), { tools: [pay], lingerMs: 0 });
    const { turnId } = first.turn('pay');
    const wait = await waitsFor(first, 'approval');
    await first.close();
    const second = await openShared(storage, plays(done), { tools: [pay], lingerMs: 0 });
    const third = await openShared(storage, plays(done), { tools: [pay], lingerMs: 0 });
    expect(second.view().turn).toMatchObject({ turnId, waits: [wait] });
    const { requestId } = wait as Extract<TurnWait, { kind: 'approval' }>;
    const [one, other] = await Promise.all([
      third.answer(requestId, { approve: true }),
      second.answer(requestId, { approve: false }),
    ]);
    expect(one).toEqual(other);
    const result = await second.turn('pay', { inputId: turnId }).result;
    expect(result.status).toBe('completed');
    expect(runs).toBe(one.approve ? 1 : 0);
    await expect(third.answer(requestId, { approve: true })).rejects.toMatchObject(code('TurnNotFound'));
    await eventually(() => expect(third.view().turn).toBeNull());
  });

  it('[TU3][TU11] with two questions records each of them once, however often it goes on', async () => {
    const storage = sharedStorage();
    const held: string[] = [];
    storage.faults.record = async (record, proceed) => {
      const text = JSON.stringify(record.entries);
      held.push(...(text.match(/(?<="type":"held","effect":")[^"]+/g) ?? []));
      await proceed();
    };
    const pay = tool('pay', () => 1, { approval: true });
    const both: Play = [call('1', 'pay', '{}'), call('2', 'pay', '{}'), finish('tool-calls')];
    const runtime = await openShared(storage, plays(both, done), { tools: [pay], lingerMs: 0 });
    const turn = runtime.turn('pay twice');
    for (const waiting of [2, 1]) {
      await eventually(() => expect(runtime.view().turn?.waits).toHaveLength(waiting));
      await expectNoLease(storage);
      const [wait] = runtime.view().turn!.waits as readonly Extract<TurnWait, { kind: 'approval' }>[];
      await runtime.answer(wait!.requestId, { approve: true });
    }
    expect((await turn.result).status).toBe('completed');
    expect(held).toEqual(['tool-0-0', 'tool-0-1']);
    expect(outcomes(runtime)).toHaveLength(2);
  });

  it('[TU5][TU11] can be stopped from another tab', async () => {
    const storage = sharedStorage();
    const pay = tool('pay', () => 1, { approval: true });
    const first = await openShared(storage, plays(asks), { tools: [pay], lingerMs: 0 });
    const turn = first.turn('pay');
    await waitsFor(first, 'approval');
    const second = await openShared(storage, plays(), { tools: [pay], lingerMs: 0 });
    await second.cancelTurn(turn.turnId, 'changed my mind');
    expect((await turn.result).status).toBe('cancelled');
    expect(await second.pendingTurns()).toEqual([]);
  });

  it('[TL4] whose approval function throws asks', async () => {
    const storage = sharedStorage();
    const pay = tool('pay', () => 1, {
      approval: () => {
        throw new Error('no idea');
      },
    });
    const runtime = await openShared(storage, plays(asks, done), { tools: [pay] });
    const turn = runtime.turn('pay');
    await waitsFor(runtime, 'approval');
    expect((await turn.cancel()).status).toBe('cancelled');
  });
});

describe('a turn that waits for something else', () => {
  it('[TU11] a credential: the worker that is given it goes on', async () => {
    const storage = sharedStorage();
    const secrets = new SecretVault();
    const locked = { provider: { id: 'fake', model: 'x', credentials: 'key' } };
    const model = answers('unlocked');
    const open = async (vault: SecretVault): Promise<LashRuntime> =>
      await openShared(storage, model, {
        policy: locked,
        secrets: vault,
        lingerMs: 0,
        providers: {
          fake: async ({ credential }) => {
            await credential();
            return model;
          },
        },
      });
    const runtime = await open(secrets);
    const turn = runtime.turn('hi');
    expect(await waitsFor(runtime, 'credentials')).toEqual({ kind: 'credentials', name: 'key' });
    await expectNoLease(storage);
    runtime.resumeTurns();
    await waitsFor(runtime, 'credentials');
    secrets.set('key', 'a-secret-of-the-user');
    runtime.resumeTurns();
    expect((await turn.result).status).toBe('completed');
    expect(runtime.view().window.nodes).toHaveLength(2);
  });

  it('[TU11] a network, where the policy asks for that, and a failed attempt where it does not', async () => {
    const offline = new LashError('ProviderUnavailable', 'no answer', {});
    let online = false;
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays([offline], [text('back'), finish()]), {
      policy: { ...policy, whenOffline: 'wait' },
      online: () => online,
      lingerMs: 0,
    });
    const turn = runtime.turn('hi');
    await waitsFor(runtime, 'offline');
    online = true;
    expect((await turn.result).status).toBe('completed');
    const other = await openShared(sharedStorage(), plays([offline], [offline], [offline], [offline]), {
      online: () => false,
    });
    expect(await other.turn('hi').result).toMatchObject({
      status: 'failed',
      error: code('ProviderUnavailable'),
    });
  });

  it('[TU11][TU7] a provider that wants to be left alone for long, whoever of the worker was told', async () => {
    const storage = sharedStorage();
    const rates = new RateLimits();
    const busy = new LashError('ProviderRateLimited', 'later', { status: 429, retryAfterMs: 30_000 });
    let now = 1_000;
    const clock = {
      now: () => now,
      newId: () => `${now++}`,
      sleep: async (ms: number, signal: AbortSignal) =>
        await new Promise<void>((resolve, reject) => {
          if (ms <= 0) resolve();
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    };
    const first = await openShared(storage, plays([busy], [text('ok'), finish()]), { rates, clock });
    const turn = first.turn('hi');
    const wait = await waitsFor(first, 'rate-limit');
    expect(wait).toMatchObject({ until: expect.closeTo(31_000, -2) as number });
    const elsewhere = answers('never');
    const second = await openShared(sharedStorage(), elsewhere, { rates, clock });
    second.turn('hi');
    await waitsFor(second, 'rate-limit');
    expect(elsewhere.requests).toHaveLength(0);
    now += 40_000;
    for (const runtime of [first, second]) runtime.resumeTurns();
    expect((await turn.result).status).toBe('completed');
    await eventually(() => expect(elsewhere.requests).toHaveLength(1));
  });

  it('[TU7] no provider that wants to be left alone for longer than is honoured: that fails, whoever of the worker was told', async () => {
    const rates = new RateLimits();
    const busy = new LashError('ProviderRateLimited', 'later', { status: 429, retryAfterMs: 3_600_000 });
    let now = 1_000;
    const clock = { ...systemClock, now: () => now };
    const failed = { status: 'failed', reason: 'provider_error', error: code('ProviderRateLimited') };
    const first = await openShared(sharedStorage(), plays([busy]), { rates, clock });
    expect(await first.turn('hi').result).toMatchObject(failed);
    const model = answers('ok');
    const second = await openShared(sharedStorage(), model, { rates, clock });
    now += 600_000;
    expect(await second.turn('hi').result).toMatchObject({
      ...failed,
      error: { data: { retryAfterMs: 3_000_000 }, retryable: true },
    });
    expect(model.requests).toHaveLength(0);
    now += 3_000_000;
    expect((await second.turn(null).result).status).toBe('completed');
    await Promise.all([first.close(), second.close()]);
  });

  it('[TU11] a page that offers the tool, if the call never started', async () => {
    const storage = sharedStorage();
    let offered: readonly Tool[] = [tool('pay', () => 'paid', { offeredByPage: true, approval: true })];
    const runtime = await openShared(storage, plays(asks, done), { tools: () => offered, lingerMs: 0 });
    const turn = runtime.turn('pay');
    const wait = await waitsFor(runtime, 'approval');
    const { requestId } = wait as Extract<TurnWait, { kind: 'approval' }>;
    const [gone] = offered;
    offered = [];
    await runtime.answer(requestId, { approve: true });
    await waitsFor(runtime, 'page-tool');
    offered = [gone!];
    runtime.resumeTurns();
    expect((await turn.result).status).toBe('completed');
    expect(outcomes(runtime)).toEqual([{ status: 'success', value: 'paid' }]);
  });
});

describe('a turn that waits for a provider', () => {
  const asks: Play = [call('1', 'look', '{}'), finish('tool-calls')];
  /** A tool during which the page that offered the provider is gone. */
  const withdrawing = (offered: { providers: Providers }): Tool =>
    tool('look', () => {
      offered.providers = {};
      return 'seen';
    });

  it('[TU11] that has begun is stored, holds no lease, and goes on when somebody offers it', async () => {
    const storage = sharedStorage();
    const provider = plays(asks, done);
    const offered: { providers: Providers } = { providers: { fake: provider } };
    const options = { providers: () => offered.providers, tools: [withdrawing(offered)], lingerMs: 0 };
    const runtime = await openShared(storage, provider, options);
    const turn = runtime.turn('look');
    const wait = { kind: 'provider', provider: 'fake' };
    expect(await waitsFor(runtime, 'provider')).toEqual(wait);
    await expectNoLease(storage);
    expect(await runtime.pendingTurns()).toMatchObject([{ status: 'waiting', waits: [wait] }]);
    runtime.resumeTurns();
    await waitsFor(runtime, 'provider');
    expect(provider.requests).toHaveLength(1);
    offered.providers = { fake: provider };
    runtime.resumeTurns(false);
    expect((await turn.result).status).toBe('completed');
    expect(outcomes(runtime)).toEqual([{ status: 'success', value: 'seen' }]);
    await expectInStep(runtime, storage);
  });

  it('[TU11] and was queued waits from the beginning, since its input was accepted', async () => {
    const storage = sharedStorage();
    const provider = plays(['hang'], done);
    const offered: { providers: Providers } = { providers: { fake: provider } };
    const runtime = await openShared(storage, provider, { providers: () => offered.providers, lingerMs: 0 });
    const running = runtime.turn('first');
    await running.accepted;
    const queued = runtime.turn('second', { whenRunning: 'queue' });
    await queued.accepted;
    await eventually(() => expect(runtime.view().turn?.correlationId).not.toBeNull());
    offered.providers = {};
    await running.cancel();
    await waitsFor(runtime, 'provider');
    offered.providers = { fake: provider };
    runtime.resumeTurns();
    expect((await queued.result).status).toBe('completed');
  });

  it('[TU11] goes on in the tab that offers it, also where that is not the one that began it', async () => {
    const storage = sharedStorage();
    const provider = plays(asks, done);
    const offered: { providers: Providers } = { providers: { fake: provider } };
    const tools = [withdrawing(offered)];
    const first = await openShared(storage, provider, {
      providers: () => offered.providers,
      tools,
      lingerMs: 0,
    });
    const turn = first.turn('look');
    await waitsFor(first, 'provider');
    const second = await openShared(storage, provider, { tools, lingerMs: 0 });
    expect((await turn.result).status).toBe('completed');
    await eventually(() => expect(second.view().turn).toBeNull());
    await expectInStep(first, storage);
  });

  it('[TU11] waits too where it was interrupted in its first call, and can be stopped', async () => {
    const storage = sharedStorage();
    const provider = plays([text('half'), 'hang']);
    let providers: Providers = { fake: provider };
    const first = await openShared(storage, provider, { providers: () => providers });
    const turn = first.turn('hi', { inputId: 'asks' });
    await eventually(() => expect(first.view().turn?.text).toBe('half'));
    providers = {};
    const second = await openShared(storage, provider, { providers, lingerMs: 0 });
    await second.takeOver({ force: true });
    expect(await waitsFor(second, 'provider')).toEqual({ kind: 'provider', provider: 'fake' });
    await expectNoLease(storage);
    await second.cancelTurn('asks');
    expect((await turn.result).status).toBe('cancelled');
    expect(await second.pendingTurns()).toEqual([]);
  });

  it('[TU11] goes on when it is offered while the turn is being put away', async () => {
    const storage = sharedStorage();
    const provider = plays(asks, done);
    const offered: { providers: Providers } = { providers: { fake: provider } };
    const runtime = await openShared(storage, provider, {
      providers: () => offered.providers,
      tools: [withdrawing(offered)],
    });
    storage.faults.record = async (record, proceed) => {
      await proceed();
      if (record.waits === undefined) return;
      offered.providers = { fake: provider };
      runtime.resumeTurns(false);
    };
    expect((await runtime.turn('look').result).status).toBe('completed');
  });

  it('is told that there is none where it is only beginning', async () => {
    const runtime = await openShared(sharedStorage(), plays(), { providers: () => ({}) });
    expect(await runtime.turn('hi').result).toMatchObject({
      status: 'failed',
      error: code('ProviderNotFound'),
    });
  });
});

describe('what a turn may take', () => {
  it('[TL6] a tool that takes too long is aborted, and the model is told', async () => {
    const storage = sharedStorage();
    const aborted: unknown[] = [];
    const slow: Tool = {
      ...tool('pay', () => null, { timeoutMs: 20 }),
      execute: async (_, { signal }) =>
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(signal.reason);
            reject(signal.reason as Error);
          });
        }),
    };
    const runtime = await openShared(storage, plays(asks, done), { tools: [slow] });
    expect((await runtime.turn('pay').result).status).toBe('completed');
    expect(outcomes(runtime)).toMatchObject([{ status: 'failure', code: 'ToolTimeout' }]);
    expect(aborted).toMatchObject([code('ToolTimeout')]);
  });

  it('[TL3] calls of serial tools run behind the others, one after the other, and results keep call order', async () => {
    const storage = sharedStorage();
    const log: string[] = [];
    const logged = (name: string, mode: 'parallel' | 'serial'): Tool =>
      tool(
        name,
        async () => {
          log.push(`${name} begins`);
          await new Promise((resolve) => setTimeout(resolve, 1));
          log.push(`${name} ends`);
          return name;
        },
        { mode },
      );
    const many: Play = [
      call('1', 'a', '{}'),
      call('2', 'b', '{}'),
      call('3', 'c', '{}'),
      call('4', 'd', '{}'),
      finish('tool-calls'),
    ];
    const tools = [
      logged('a', 'serial'),
      logged('b', 'parallel'),
      logged('c', 'serial'),
      logged('d', 'parallel'),
    ];
    const runtime = await openShared(storage, plays(many, done), { tools });
    await runtime.turn('go').result;
    expect(log.slice(0, 2)).toEqual(['b begins', 'd begins']);
    expect(log.slice(4)).toEqual(['a begins', 'a ends', 'c begins', 'c ends']);
    expect(outcomes(runtime)).toMatchObject(['a', 'b', 'c', 'd'].map((value) => ({ value })));
  });

  it('[TU6] a turn that runs for too long ends with what it has', async () => {
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays([text('half'), 'hang']), {
      policy: { ...policy, maxTurnMs: 50 },
    });
    expect(await runtime.turn('go').result).toMatchObject({
      status: 'failed',
      reason: 'max_time',
      error: { code: 'TurnLimitReached', data: { limit: 'time', max: 50 } },
    });
  });

  describe('[TU3] the time of a turn that is gone on with', () => {
    /** A clock that stands still but for what a test adds, and whose waits end when a test says so. */
    function handClock(): Clock & {
      now: () => number;
      add: (ms: number) => void;
      end: (ms: number) => void;
    } {
      let now = 1000;
      let ids = 0;
      const name = crypto.randomUUID();
      const ends = new Map<number, () => void>();
      return {
        now: () => now,
        add: (ms) => void (now += ms),
        end: (ms) => ends.get(ms)?.(),
        newId: () => `${name}-${ids++}`,
        sleep: async (ms, signal) =>
          await new Promise<void>((resolve, reject) => {
            ends.set(ms, resolve);
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }),
      };
    }
    const limited = { ...policy, maxTurnMs: 1000 };
    const slow: Play = [call('1', 'slow', '{}'), finish('tool-calls')];

    it('is what it has not used before it waited', async () => {
      const clock = handClock();
      const tools = [tool('slow', () => (clock.add(400), 1)), tool('pay', () => 1, { approval: true })];
      const runtime = await openShared(sharedStorage(), plays(slow, asks, ['hang']), {
        clock,
        tools,
        policy: limited,
      });
      const turn = runtime.turn('go');
      const wait = await waitsFor(runtime, 'approval');
      clock.add(5000);
      await runtime.answer('requestId' in wait ? wait.requestId : '', { approve: true });
      await eventually(() => expect(runtime.view().turn?.step).toBe(2));
      clock.end(600);
      expect(await turn.result).toMatchObject({ reason: 'max_time', error: { data: { max: 1000 } } });
    });

    it('is what it has not used before its tab was killed', async () => {
      const origin = new InMemorySessionStoreFactory();
      const tab = mortalTab(origin);
      const clock = handClock();
      const tools = [tool('slow', () => (clock.add(700), 1))];
      const options = { clock, tools, policy: limited };
      const first = await openShared(sharedStorage(tab.factory), plays(slow, ['hang']), options);
      first.turn('go', { inputId: 't' });
      await eventually(() => expect(first.view().turn?.step).toBe(1));
      await tab.kill();
      clock.add(5000);
      const second = await openShared(sharedStorage(origin), plays(['hang']), options);
      await eventually(() => expect(second.view().turn).toMatchObject({ step: 1, interrupted: false }));
      clock.end(300);
      expect(await second.turn('go', { inputId: 't' }).result).toMatchObject({ reason: 'max_time' });
    });
  });

  it('[TU2] what does not fit the context is ContextOverflow before the provider is asked', async () => {
    const storage = sharedStorage();
    const provider = answers('never');
    const runtime = await openShared(storage, provider, { policy: { ...policy, maxContextTokens: 1000 } });
    expect(await runtime.turn('long '.repeat(2000)).result).toMatchObject({
      status: 'failed',
      error: { code: 'ContextOverflow', data: { maxContextTokens: 1000 } },
    });
    expect(provider.requests).toHaveLength(0);
  });
});
