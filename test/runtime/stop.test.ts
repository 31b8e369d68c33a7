import { describe, expect, it, vi } from 'vitest';

import type { Provider } from '../../src/contract/provider.ts';
import type { Tool, ToolContext } from '../../src/contract/tool.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { eventually } from '../support/eventually.ts';
import { openShared, sharedStorage } from './stores.ts';
import { call, finish, memoryEnvironment, openWith, plays, policy, text } from './support.ts';

const code = (value: string): object => ({ code: value });
const never = async (): Promise<never> => await new Promise<never>(() => undefined);

function tool(
  name: string,
  execute: (args: unknown, context: ToolContext) => JsonValue | Promise<JsonValue>,
): Tool {
  return {
    name,
    description: name,
    inputSchema: { type: 'object' },
    check: (args) => ({ ok: true, value: args }),
    execute,
  };
}

/** A promise and the function that fulfils it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('a stop', () => {
  it('[TU5] while the provider is being made ends the turn, and the provider is not called any more', async () => {
    const made = gate();
    const provider = plays([text('late'), finish()]);
    const environment = memoryEnvironment();
    const events: string[] = [];
    const runtime = await LashRuntime.open(environment, {
      mode: 'create',
      policy,
      providers: {
        fake: async () => {
          await made.opened;
          return { ...provider, maxContextTokens: undefined } as unknown as Provider;
        },
      },
    });
    runtime.subscribe((event) => events.push(event.type));
    const turn = runtime.turn('hi');
    await turn.accepted;
    expect(await turn.cancel()).toMatchObject({ status: 'cancelled' });
    made.open();
    await new Promise((resolve) => setTimeout(resolve));
    expect(provider.requests).toHaveLength(0);
    expect(events.at(-1)).toBe('turn-finished');
  });

  it('[TU5] while an attachment is being read ends the turn', async () => {
    const attachments = new InMemoryAttachmentStore();
    const image = await attachments.put(new Uint8Array([1, 2, 3]), { mime: 'image/png' });
    const environment = memoryEnvironment((builder) => builder.withAttachmentStore(attachments));
    const { runtime } = await openWith(plays(), { environment });
    const get = attachments.get.bind(attachments);
    vi.spyOn(attachments, 'get').mockImplementationOnce(get).mockImplementation(never);
    const turn = runtime.turn({ parts: [{ type: 'image', attachment: image }] });
    await turn.accepted;
    expect((await turn.cancel()).status).toBe('cancelled');
  });

  it('[TU5] while the input is being stored lets it be stored, and calls no model', async () => {
    const storage = sharedStorage();
    const provider = plays([text('x'), finish()]);
    const { runtime } = await openWith(provider, { environment: storage.environment() });
    const stored = gate();
    storage.faults.commit = async (_, proceed) => {
      await stored.opened;
      return await proceed();
    };
    const turn = runtime.turn('hi');
    const stopped = turn.cancel();
    stored.open();
    expect((await stopped).status).toBe('cancelled');
    await turn.accepted;
    expect(provider.requests).toHaveLength(0);
    expect(runtime.view().window.nodes).toHaveLength(1);
  });

  it('[TU5] while it waits for the next attempt ends the turn', async () => {
    const waiting = gate();
    const clock = {
      now: () => 0,
      newId: () => crypto.randomUUID(),
      sleep: async (_: number, signal: AbortSignal): Promise<void> => {
        waiting.open();
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      },
    };
    const { runtime } = await openWith(plays([text('half')]), { clock });
    const turn = runtime.turn('hi');
    await waiting.opened;
    expect((await turn.cancel()).status).toBe('cancelled');
    expect(runtime.view().turn).toBeNull();
  });

  it('[TU5] by a signal is the same as by the handle', async () => {
    const abort = new AbortController();
    const { runtime } = await openWith(plays(['hang']));
    const turn = runtime.turn('hi', { signal: abort.signal });
    await turn.accepted;
    abort.abort(new Error('enough'));
    expect((await turn.result).status).toBe('cancelled');
  });
});

describe('a model stream', () => {
  /** A provider whose stream says how it was ended. */
  function streaming(...events: (ModelEvent | 'hang')[]): {
    readonly provider: Provider;
    readonly ended: string[];
  } {
    const ended: string[] = [];
    const provider: Provider = {
      model: 'm',
      async *stream() {
        try {
          for (const event of events) {
            if (event === 'hang') await new Promise((resolve) => setTimeout(resolve, 1));
            else yield event;
          }
        } finally {
          ended.push('released');
        }
      },
    };
    return { provider, ended };
  }

  it('[TU6] is released behind its finish', async () => {
    const { provider, ended } = streaming(text('x'), finish(), text('more'));
    const { runtime } = await openWith(provider);
    expect((await runtime.turn('hi').result).status).toBe('completed');
    expect(ended).toEqual(['released']);
  });

  it('[TU5] is released when it is stopped', async () => {
    const { provider, ended } = streaming(text('x'), 'hang', text('y'), 'hang', text('z'));
    const { runtime } = await openWith(provider);
    const turn = runtime.turn('hi');
    for await (const activity of turn) if (activity.type === 'text-delta') void turn.cancel();
    expect((await turn.result).status).toBe('cancelled');
    await eventually(() => expect(ended).toEqual(['released']));
  });

  it('[TU6] of a provider that throws before it streams is a failed attempt', async () => {
    const provider: Provider = {
      model: 'm',
      stream: () => {
        throw new TypeError('no stream');
      },
    };
    const { runtime } = await openWith(provider);
    expect(await runtime.turn('hi').result).toMatchObject({
      status: 'failed',
      error: { code: 'Internal', message: 'no stream' },
    });
  });
});

describe('a tool', () => {
  const twoCalls = [call('1', 'a', '{"list":[1]}'), call('2', 'b', '{}'), finish('tool-calls')];

  it('[TU9] that goes on changing what it was given and what it returned changes no history', async () => {
    const returned = { list: ['given'] };
    const a = tool('a', (args) => {
      (args as { list: number[] }).list.push(2);
      return returned;
    });
    const provider = plays([...twoCalls.slice(0, 1), finish('tool-calls')], [text('ok'), finish()]);
    const { runtime } = await openWith(provider, { tools: [a] });
    const turn = runtime.turn('go');
    for await (const activity of turn) if (activity.type === 'tool-completed') returned.list.push('changed');
    expect(runtime.view().window.nodes[2]?.body).toMatchObject({
      invocation: { args: { list: [1] }, outcome: { value: { list: ['given'] } } },
    });
    expect(JSON.stringify(provider.requests[1]?.messages)).not.toContain('changed');
  });

  it.each([[Object.create(null)], [undefined], [Symbol('odd')], ['text']])(
    '[TU9] that throws what is no error fails, and the turn goes on',
    async (thrown: unknown) => {
      const a = tool('a', () => {
        throw thrown;
      });
      const { runtime } = await openWith(plays(twoCalls, [text('ok'), finish()]), { tools: [a] });
      expect((await runtime.turn('go').result).status).toBe('completed');
      expect(runtime.view().window.nodes[2]?.body).toMatchObject({
        invocation: { outcome: { status: 'failure', code: 'ToolFailed' } },
      });
    },
  );

  it('[TU6] is stopped when its turn fails for another reason', async () => {
    const stopped: unknown[] = [];
    const a = tool('a', async (_, { signal }) => {
      signal.addEventListener('abort', () => stopped.push(signal.reason));
      return await never();
    });
    const storage = sharedStorage();
    const runtime = await openShared(storage, plays(twoCalls), { tools: [a, tool('b', () => 1)] });
    storage.faults.record = async ({ entries }, proceed) => {
      if (JSON.stringify(entries).includes('tool-finished')) throw new Error('the record is gone');
      await proceed();
    };
    expect(await runtime.turn('go').result).toMatchObject({
      status: 'failed',
      reason: 'runtime_error',
      error: { message: 'the record is gone' },
    });
    expect(stopped).toHaveLength(1);
    expect((await runtime.turn(null).result).status).toBe('failed');
  });
});

describe('what happens at the same time', () => {
  it('a policy that is set during a turn holds from the next one', async () => {
    const toolRuns = gate();
    const goOn = gate();
    const a = tool('a', async () => {
      toolRuns.open();
      await goOn.opened;
      return 1;
    });
    const first = plays([call('1', 'a', '{}'), finish('tool-calls')], [text('first'), finish()]);
    const second = plays([text('second'), finish()]);
    const runtime = await LashRuntime.open(memoryEnvironment(), {
      mode: 'create',
      policy,
      tools: [a],
      providers: { fake: first, other: second },
    });
    const turn = runtime.turn('go');
    await toolRuns.opened;
    await runtime.setPolicy({ provider: { id: 'other', model: 'x' } });
    goOn.open();
    expect((await turn.result).status).toBe('completed');
    expect([first.requests.length, second.requests.length]).toEqual([2, 0]);
    await runtime.turn('next').result;
    expect(second.requests).toHaveLength(1);
  });

  it('changes of the policy that are asked for at once all hold', async () => {
    const { runtime, environment } = await openWith(plays(), { sessionId: 's' });
    await Promise.all([
      runtime.setPolicy({ maxSteps: 3 }),
      runtime.setPolicy({ maxContextTokens: 9000 }),
      runtime.rename('new'),
    ]);
    expect(runtime.policy).toMatchObject({ ...policy, maxSteps: 3, maxContextTokens: 9000 });
    await expect(runtime.setPolicy({ maxSteps: 0 })).rejects.toMatchObject(code('InvalidInput'));
    expect(runtime.policy.maxSteps).toBe(3);
    await runtime.close();
    const again = await LashRuntime.open(environment, { sessionId: 's' });
    expect(again.policy).toMatchObject({ maxSteps: 3, maxContextTokens: 9000 });
    expect(again.view().title).toBe('new');
  });

  it('host writes come one after the other, and a turn waits for those before it', async () => {
    const { runtime } = await openWith(plays([text('ok'), finish()]));
    const body = (data: number): { kind: 'plugin'; pluginType: string; data: number } => ({
      kind: 'plugin',
      pluginType: 'n',
      data,
    });
    const writes = [1, 2, 3].map(async (data) => await runtime.appendSessionNodes({ nodes: [body(data)] }));
    const turn = runtime.turn('hi');
    await expect(runtime.appendSessionNodes({ nodes: [body(4)] })).rejects.toMatchObject(code('TurnRunning'));
    await Promise.all(writes);
    await turn.result;
    const bodies = runtime.view().window.nodes.map(({ body }) => body);
    expect(bodies).toMatchObject([{ data: 1 }, { data: 2 }, { data: 3 }, {}, {}]);
  });

  it('closing waits for a turn that is only starting, and for a second call as well', async () => {
    const storage = sharedStorage();
    const environment = storage.environment();
    const { runtime, events } = await openWith(plays(['hang']), { environment, sessionId: 's' });
    const turn = runtime.turn('hi');
    const order: string[] = [];
    const closing = runtime.close().then(() => order.push('closed'));
    const again = runtime.close().then(() => order.push('closed again'));
    await expect(turn.result).rejects.toMatchObject(code('SessionClosed'));
    order.push('refused');
    await Promise.all([closing, again]);
    expect(order.toSorted()).toEqual(['closed', 'closed again', 'refused']);
    expect(events.map(({ type }) => type)).not.toContain('turn-started');
    await expect(runtime.turn('late').result).rejects.toMatchObject(code('SessionClosed'));
    await (await LashRuntime.open(environment, { sessionId: 's' })).close();
  });

  it('closing stops a running turn and keeps what it said', async () => {
    const { runtime, environment } = await openWith(plays([text('half'), 'hang']), { sessionId: 's' });
    const turn = runtime.turn('hi');
    for await (const activity of turn) if (activity.type === 'text-delta') void runtime.close();
    expect((await turn.result).status).toBe('cancelled');
    await runtime.close();
    const again = await LashRuntime.open(environment, { sessionId: 's' });
    expect(again.view().window.nodes[1]?.body).toMatchObject({ message: { parts: [{ text: 'half' }] } });
  });

  it('a session whose store cannot be closed can be opened again', async () => {
    const storage = sharedStorage();
    const environment = storage.environment();
    const { runtime } = await openWith(plays(), { environment, sessionId: 's' });
    storage.faults.close = async () => await Promise.reject(new Error('stuck'));
    await expect(runtime.close()).rejects.toThrow('stuck');
    delete storage.faults.close;
    await (await LashRuntime.open(environment, { sessionId: 's' })).close();
  });

  it('a turn that is started by the end of another one runs', async () => {
    const { runtime } = await openWith(plays([text('one'), finish()], [text('two'), finish()]));
    const next = new Promise((resolve) => {
      const stop = runtime.subscribe((event) => {
        if (event.type !== 'turn-finished') return;
        stop();
        resolve(runtime.turn('second').result);
      });
    });
    await runtime.turn('first').result;
    expect(await next).toMatchObject({ status: 'completed' });
  });
});

describe('input that cannot be answered', () => {
  it('an image whose bytes are not stored is refused and nothing changes', async () => {
    const { runtime } = await openWith(plays([text('ok'), finish()]));
    const attachment = { id: '0'.repeat(64), mime: 'image/png', byteLength: 3 };
    await expect(runtime.turn({ parts: [{ type: 'image', attachment }] }).result).rejects.toMatchObject(
      code('AttachmentNotFound'),
    );
    expect(runtime.view().head.revision).toBe(0);
    expect((await runtime.turn('hi').result).status).toBe('completed');
  });

  it('an unknown length of the context is told once a turn, not once an attempt', async () => {
    const provider = plays([text('half')], [text('half')], [text('whole'), finish()]);
    const { runtime, events } = await openWith({ model: 'm', stream: provider.stream.bind(provider) });
    await runtime.turn('hi').result;
    expect(events.filter(({ type }) => type === 'step-started')).toHaveLength(3);
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
  });

  it('a listener that throws disturbs neither the others nor the turn', async () => {
    const reported: unknown[] = [];
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
    const { runtime, events } = await openWith(plays([text('ok'), finish()]));
    runtime.subscribe(() => {
      throw new Error('a listener broke');
    });
    expect((await runtime.turn('hi').result).status).toBe('completed');
    expect(events.at(-1)?.type).toBe('turn-finished');
    await runtime.close();
    expect(reported.length).toBe(events.length);
    vi.unstubAllGlobals();
  });
});
