import { describe, expect, it, vi } from 'vitest';

import type { Tool } from '../../src/contract/tool.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { mortalTab } from './mortal.ts';
import { answers, expectInStep, openShared, sharedStorage, unavailable } from './stores.ts';
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
