import { describe, expect, test } from 'vitest';

import type { ChildSession } from '../../src/contract/child-sessions.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import { LashError } from '../../src/core/error.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import { deleteSessions } from '../../src/runtime/delete-sessions.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { eventually } from '../support/eventually.ts';
import {
  asksChild,
  childTool,
  home,
  modelFor,
  openParent,
  patientClock,
  says,
  storedMetas,
  unfinished,
  USED,
} from './children-support.ts';
import { mortalTab } from './mortal.ts';
import { approvalOf, asks, done, letRun, plain } from './plugin-support.ts';
import { policy, text, toolNamed } from './support.ts';

const memory = (): InMemorySessionStoreFactory => new InMemorySessionStoreFactory();

/** How often `source` was counted in the ledger of a session, in model calls. */
function callsOf(runtime: LashRuntime, source: string): number {
  const entries = runtime.usage().ledger.filter((entry) => entry.source === source);
  return entries.reduce((sum, { usage }) => sum + usage.inputTokens, 0) / USED.inputTokens;
}

/** Begins a turn that asks a child, which makes one model call and hangs in the next; then the tab dies. */
async function dieInChild(origin: SessionStoreFactory, replay: 'safe' | 'never'): Promise<void> {
  const tab = mortalTab(origin);
  const model = modelFor({ go: [asks('ask')], task: [asks('step'), ['hang']] });
  const tools = [{ ...asksChild('task', { tools: ['step'], source: 'helper' }), replay }, toolNamed('step')];
  const runtime = await openParent(home({ factory: tab.factory }), model, tools);
  runtime.turn('go', { inputId: 't' });
  await eventually(() => expect(model.asked().filter((asked) => asked === 'task')).toHaveLength(2));
  await tab.kill();
}

describe('children of a call whose tab is gone', () => {
  test('[CH3] a turn that is stopped before anybody goes on with it stops them, and what they used counts', async () => {
    const origin = memory();
    await dieInChild(origin, 'safe');
    const tools = [asksChild('task'), toolNamed('step')];
    const two = await openParent(home({ factory: origin }), modelFor({}), tools, { unfinishedTurns: 'ask' });
    await two.cancelTurn('t');
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('cancelled'));
    expect(await unfinished(origin)).toEqual([]);
    expect(callsOf(two, 'helper')).toBe(1);
    await two.close();
  });

  test('[CH3] a call that must not run again stops them, and what they used counts', async () => {
    const origin = memory();
    await dieInChild(origin, 'never');
    const two = await openParent(home({ factory: origin }), modelFor({ go: [done] }), [toolNamed('step')]);
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
    expect(await unfinished(origin)).toEqual([]);
    expect(callsOf(two, 'helper')).toBe(1);
    await two.close();
  });

  test('[CH3] one that the page has open meanwhile is told to stop there', async () => {
    const origin = memory();
    await dieInChild(origin, 'never');
    const environment = home({ factory: origin });
    const [, child] = await storedMetas(origin);
    const model = modelFor({ task: [['hang']] });
    const page = await openParent(environment, model, [], { sessionId: child?.sessionId ?? '' });
    await eventually(() => expect(model.asked()).toEqual(['task']));
    const two = await openParent(environment, modelFor({ go: [done] }), []);
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
    await eventually(() => expect(page.view().lastTurn?.result.status).toBe('cancelled'));
    await Promise.all([two.close(), page.close()]);
  });

  test.each(['ask', 'go-on'] as const)(
    '[CH1] one that the page has open meanwhile is found by its call (unfinished turns: %s)',
    async (unfinishedTurns) => {
      const origin = memory();
      await dieInChild(origin, 'safe');
      const environment = home({ factory: origin });
      const [, child] = await storedMetas(origin);
      const model = modelFor({ go: [done], task: [says('the answer')] });
      const tools = [asksChild('task', { tools: ['step'], source: 'helper' }), toolNamed('step')];
      const sessionId = child?.sessionId ?? '';
      const page = await openParent(environment, model, [toolNamed('step')], { sessionId, unfinishedTurns });
      const two = await openParent(environment, model, tools);
      await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
      const outcomes = model.requests.at(-1)?.messages.at(-1);
      expect(JSON.stringify(outcomes)).toContain('the answer');
      expect(model.asked()).toEqual(['task', 'go']);
      expect(callsOf(two, 'helper')).toBe(2);
      await eventually(() => expect(page.view().lastTurn?.result.status).toBe('completed'));
      await Promise.all([two.close(), page.close()]);
    },
  );

  test('[CH1] one that the page went on with goes on by its call once the page is closed, and is stopped with it', async () => {
    const origin = memory();
    await dieInChild(origin, 'safe');
    const environment = home({ factory: origin });
    const [, child] = await storedMetas(origin);
    const model = modelFor({ task: [['hang'], ['hang']] });
    const tools = [asksChild('task', { tools: ['step'], source: 'helper' }), toolNamed('step')];
    const sessionId = child?.sessionId ?? '';
    const page = await openParent(environment, model, [toolNamed('step')], { sessionId });
    await eventually(() => expect(model.asked()).toEqual(['task']));
    const two = await openParent(environment, model, tools);
    await letRun();
    await page.close({ turn: 'leave' });
    await eventually(() => expect(model.asked()).toEqual(['task', 'task']));
    await two.cancelTurn('t');
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('cancelled'));
    expect(await unfinished(origin)).toEqual([]);
    await two.close();
  });
});

describe('how children end', () => {
  test.each(['cancel', 'close'] as const)(
    '[CH3] a child that waits for somebody is stopped with its call: %s',
    async (how) => {
      const origin = memory();
      const model = modelFor({ go: [asks('ask')], task: [asks('erase')] });
      const tools = [asksChild('task', { tools: ['erase'] }), toolNamed('erase', { approval: true })];
      const runtime = await openParent(home({ factory: origin }), model, tools);
      const turn = runtime.turn('go');
      await eventually(async () => expect(await waiting(origin)).toEqual(['approval']));
      await (how === 'cancel' ? turn.cancel() : runtime.close());
      expect(await unfinished(origin)).toEqual([]);
      expect(callsOf(runtime, 'child')).toBe(1);
      await runtime.close();
    },
  );

  test('[CH3] nothing is opened any more once the call is over', async () => {
    const model = modelFor({ go: [asks('ask'), done] });
    const late: unknown[] = [];
    const tool = childTool('ask', async (sessions) => {
      setTimeout(() => {
        sessions.open({ key: 'late' }).catch((error: unknown) => late.push(error));
      }, 5);
      await Promise.resolve();
    });
    const environment = home();
    const runtime = await openParent(environment, model, [tool]);
    await runtime.turn('go').result;
    await eventually(() => expect(late).toMatchObject([{ code: 'Cancelled' }]));
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(1);
    await runtime.close();
  });

  test('[CH1] a child that was closed, or deleted, can be opened again within its call, and counts once', async () => {
    const texts: string[] = [];
    const tool = childTool('ask', async (sessions) => {
      const one = await sessions.open({ key: 'one' });
      texts.push((await one.turn('task')).text);
      await one.close();
      const again = await sessions.open({ key: 'one' });
      texts.push((await again.turn('task')).text);
      await again.delete();
      texts.push((await (await sessions.open({ key: 'one' })).turn('task')).text);
    });
    const model = modelFor({ go: [asks('ask'), done], task: [says('first'), says('second')] });
    const runtime = await openParent(home(), model, [tool]);
    await runtime.turn('go').result;
    expect(texts).toEqual(['first', 'first', 'second']);
    expect(callsOf(runtime, 'child')).toBe(2);
    await runtime.close();
  });

  test('[CH3] a turn that was stopped resolves with what it had said, and nobody need look at it', async () => {
    const model = modelFor({ go: [asks('ask'), done], task: [[text('half'), 'hang']] });
    const results: unknown[] = [];
    const tool = childTool('ask', async (sessions) => {
      const child = await sessions.open({ key: 'one' });
      const turn = child.turn('task', { onActivity: () => undefined });
      void turn.then((result) => results.push(result));
      await eventually(() => expect(model.asked()).toContain('task'));
      await letRun();
    });
    const refused = childTool('again', async (sessions) => {
      const child = await sessions.open({ key: 'one' });
      await child.close();
      // Its rejection is nobody's.
      void child.turn('task');
    });
    const runtime = await openParent(home(), model, [tool, refused]);
    await runtime.turn('go').result;
    await eventually(() => expect(results).toMatchObject([{ status: 'cancelled', text: 'half' }]));
    await runtime.close();
  });

  test('a listener that throws does not keep the turn from running', async () => {
    const origin = memory();
    await dieInChild(origin, 'safe');
    const thrown: unknown[] = [];
    const tool = childTool('ask', async (sessions) => {
      const child = await sessions.open({ key: 'one' });
      const onActivity = (): void => {
        thrown.push(1);
        if (thrown.length === 1) throw new Error('the listener');
      };
      return (await child.turn('task', { onActivity })).text;
    });
    const told: unknown[] = [];
    const report = globalThis.reportError;
    globalThis.reportError = (error) => void told.push(error);
    try {
      const model = modelFor({ go: [done], task: [says('x')] });
      const two = await openParent(home({ factory: origin }), model, [tool, toolNamed('step')]);
      await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
      expect(thrown.length).toBeGreaterThan(1);
      expect(told).toHaveLength(1);
      await two.close();
    } finally {
      globalThis.reportError = report;
    }
  });

  test('[CH3] closing a session that leaves its turn waits until its children are closed', async () => {
    const model = modelFor({ go: [asks('ask')], task: [['hang']] });
    const environment = home();
    const runtime = await openParent(environment, model, [asksChild('task')]);
    runtime.turn('go');
    await eventually(() => expect(model.asked()).toContain('task'));
    await runtime.close({ turn: 'leave' });
    const [, child] = await storedMetas(environment.sessionStoreFactory);
    const page = await openParent(environment, modelFor({ task: [done] }), [], {
      sessionId: child?.sessionId ?? '',
    });
    await page.close();
  });

  test('what is brought to a session is brought to its children', async () => {
    const secrets = new SecretVault();
    const provider = modelFor({ go: [asks('ask'), done], task: [asks('step'), says('x')] });
    const locked = { provider: { id: 'locked', model: 'fake-1', credentials: 'key' } };
    const tool = asksChild('task', { policy: locked, tools: ['step'] });
    let calls = 0;
    const environment = home();
    const runtime = await openParent(environment, provider, [tool, toolNamed('step')], {
      secrets,
      providers: {
        fake: provider,
        locked: async ({ credential }) => {
          if (calls++ > 0) await credential();
          return provider;
        },
      },
    });
    const { result } = runtime.turn('go');
    await eventually(async () =>
      expect(await waiting(environment.sessionStoreFactory)).toEqual(['credentials']),
    );
    secrets.set('key', 'a-secret-value');
    runtime.resumeTurns(false);
    expect(await result).toMatchObject({ status: 'completed' });
    expect(provider.asked()).toEqual(['go', 'task', 'task', 'go']);
    await runtime.close();
  });

  test('[CH5] a session that is deleted elsewhere while a child works can be closed, and nothing of both is left', async () => {
    const origin = memory();
    const model = modelFor({ go: [asks('ask')], task: [['hang']] });
    const runtime = await openParent(home({ factory: origin }), model, [asksChild('task')]);
    const { result } = runtime.turn('go');
    await eventually(() => expect(model.asked()).toContain('task'));
    const [, child] = await storedMetas(origin);
    await deleteSessions(home({ factory: origin }), 's');
    await expect(result).rejects.toMatchObject({ code: 'SessionDeleted', data: { sessionId: 's' } });
    await runtime.close();
    expect(await storedMetas(origin)).toEqual([]);
    const { leases } = origin;
    for (const sessionId of ['s', child?.sessionId ?? '']) {
      const lease = await leases.acquire(sessionId);
      expect(lease).not.toBeNull();
      await lease?.release();
    }
  });

  test('a child may be watched while it works', async () => {
    const environment = home();
    const model = modelFor({ go: [asks('ask')], task: [[text('half'), 'hang']] });
    const runtime = await openParent(environment, model, [asksChild('task')]);
    const turn = runtime.turn('go');
    await eventually(() => expect(model.asked()).toContain('task'));
    const [, child] = await storedMetas(environment.sessionStoreFactory);
    const sessionId = child?.sessionId ?? '';
    await expect(openParent(environment, model, [], { sessionId })).rejects.toMatchObject({
      code: 'SessionInUse',
      data: { sessionId },
    });
    const watching = await openParent(environment, model, [], { sessionId, mode: 'readOnly' });
    await turn.cancel();
    await eventually(() => expect(watching.view().lastTurn?.result.status).toBe('cancelled'));
    await Promise.all([watching.close(), runtime.close()]);
  });

  test('[CH5] a child that is made while its parent is deleted goes too', async () => {
    const origin = memory();
    const isFirst = { yes: true };
    const factory = standIn<SessionStoreFactory>(origin, {
      open: async (sessionId, mode) => {
        if (mode.kind === 'create' && sessionId.startsWith('child-') && isFirst.yes) {
          isFirst.yes = false;
          await deleteSessions(home({ factory: origin }), 's');
        }
        return await origin.open(sessionId, mode);
      },
    });
    const tool = asksChild('task');
    const runtime = await openParent(home({ factory }), modelFor({ go: [asks('ask'), done] }), [tool]);
    await runtime.turn('go').result.catch(() => undefined);
    await eventually(async () => expect(await storedMetas(origin)).toEqual([]));
    await runtime.close();
  });

  test('[CH1] a child that another tab makes at the same time is the same one', async () => {
    const origin = memory();
    const factory = standIn<SessionStoreFactory>(origin, {
      open: async (sessionId, mode) => {
        if (mode.kind === 'create' && sessionId.startsWith('child-'))
          await (await origin.open(sessionId, mode)).close();
        return await origin.open(sessionId, mode);
      },
    });
    const model = modelFor({ go: [asks('ask'), done], task: [says('x')] });
    const runtime = await openParent(home({ factory }), model, [asksChild('task')]);
    expect(await runtime.turn('go').result).toMatchObject({ status: 'completed' });
    expect(await storedMetas(origin)).toHaveLength(2);
    await runtime.close();
  });
});

describe('children that hooks ask for', () => {
  const opensOne = async (
    {
      sessions,
      sessionId,
    }: {
      readonly sessions: { open(request: { key: string; source: string }): Promise<ChildSession> };
      readonly sessionId: string;
    },
    source: string,
  ): Promise<void> => {
    if (sessionId === 's') await (await sessions.open({ key: 'one', source })).turn('task');
  };

  test('[CH3] one that is asked for before a tool call is left to whoever takes the turn over', async () => {
    const origin = memory();
    const plugins = [plain({ beforeToolCall: async (_, context) => await opensOne(context, 'before') })];
    const before = modelFor({ go: [asks('x')], task: [['hang']] });
    const clock = patientClock();
    const first = home({ factory: mortalTab(origin).factory, plugins });
    const one = await openParent(first, before, [toolNamed('x')], { clock });
    one.turn('go', { inputId: 't' });
    await eventually(() => expect(before.asked()).toContain('task'));
    const after = modelFor({ go: [asks('x'), done], task: [says('from the other tab')] });
    const second = home({ factory: mortalTab(origin).factory, plugins });
    const two = await openParent(second, after, [toolNamed('x')], { clock: patientClock() });
    await two.takeOver({ force: true });
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
    expect(after.asked()).toContain('task');
    await Promise.all([one.close(), two.close()]);
  });

  test.each(['made again', 'stopped'])(
    'what they used in a model call that is held counts once when it is %s',
    async (how) => {
      const plugins = [plain({ beforeStep: async (context) => await opensOne(context, 'before') })];
      let isOnline = false;
      const offline = new LashError('ProviderUnavailable', 'no network', {});
      const model = modelFor({ go: [[offline], done], task: [says('x')] });
      const runtime = await openParent(home({ plugins }), model, [], {
        clock: patientClock(),
        policy: { ...policy, whenOffline: 'wait' },
        online: () => isOnline,
      });
      const turn = runtime.turn('go');
      await eventually(() => expect(runtime.view().turn?.waits).toEqual([{ kind: 'offline' }]));
      isOnline = how === 'made again';
      if (isOnline) runtime.resumeTurns(false);
      const result = isOnline ? await turn.result : await turn.cancel();
      expect(result.children).toEqual([entry('before', 1)]);
      expect(callsOf(runtime, 'before')).toBe(1);
      await runtime.close();
    },
  );

  test.each([true, false])(
    'what they used before somebody is asked about a call counts once (approved: %s)',
    async (approve) => {
      const plugins = [
        plain({
          beforeToolCall: async (_, context) => {
            await opensOne(context, 'before');
            return { kind: 'ask' };
          },
        }),
      ];
      const model = modelFor({ go: [asks('x'), done], task: [says('x')] });
      const runtime = await openParent(home({ plugins }), model, [toolNamed('x')], { clock: patientClock() });
      const { result } = runtime.turn('go');
      await letRun();
      await (await approvalOf(runtime)).answer({ approve });
      expect((await result).children).toEqual([entry('before', 1)]);
      expect(callsOf(runtime, 'before')).toBe(1);
      await runtime.close();
    },
  );
});

/** What the children that are stored wait for. */
async function waiting(factory: SessionStoreFactory): Promise<readonly string[]> {
  const [, child] = await storedMetas(factory);
  if (child === undefined) return [];
  const store = await factory.open(child.sessionId, { kind: 'open' });
  const [turn] = await store.turns.pending().finally(async () => await store.close());
  const waits = (turn?.waits ?? []) as unknown as readonly TurnWait[];
  return waits.map(({ kind }) => kind);
}

function entry(source: string, calls: number): unknown {
  const usage = Object.fromEntries(Object.entries(USED).map(([name, value]) => [name, value * calls]));
  return { source, model: 'fake-1', usage };
}
