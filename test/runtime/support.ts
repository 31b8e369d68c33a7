import type { Clock } from '../../src/contract/clock.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { TraceRecord, TraceSink } from '../../src/contract/trace.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { ModelRequest } from '../../src/core/model-request.ts';
import type { SessionPolicy } from '../../src/core/policy.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';

export const policy: SessionPolicy = { provider: { id: 'fake', model: 'fake-1' } };

export const finish = (
  reason: 'stop' | 'tool-calls' | 'length' | 'content-filter' | 'other' = 'stop',
): ModelEvent => ({
  type: 'finish',
  reason,
  usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 2, reasoningTokens: 1 },
});
export const text = (value: string): ModelEvent => ({ type: 'text-delta', text: value });
export const call = (callId: string, tool: string, args: string): ModelEvent => ({
  type: 'tool-call',
  callId,
  tool,
  args,
});

/** One scripted model call: events, an error to fail with behind them, or a hang until it is stopped. */
export type Play = readonly (ModelEvent | Error | 'hang')[];

/** A provider that plays scripts, one per call, and keeps what it was asked. */
export function plays(
  ...scripts: Play[]
): Provider & { readonly requests: ModelRequest[]; readonly left: () => number } {
  const requests: ModelRequest[] = [];
  const queue = [...scripts];
  return {
    model: 'fake-1',
    maxContextTokens: 100_000,
    requests,
    left: () => queue.length,
    async *stream(request, signal) {
      requests.push(request);
      const script = queue.shift();
      if (script === undefined) throw new Error('the script has no further call');
      for (const item of script) {
        await Promise.resolve();
        if (item === 'hang') await hang(signal);
        else if (item instanceof Error) throw item;
        else yield item;
      }
    },
  };
}

async function hang(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** A clock whose waits are over at once, and which keeps how long they would have been. */
export function instantClock(): Clock & { readonly waits: number[] } {
  let now = 1_000_000;
  let ids = 0;
  const waits: number[] = [];
  return {
    waits,
    now: () => ++now,
    newId: () => `id-${++ids}`,
    sleep: async (ms, signal) => {
      waits.push(ms);
      // A task, not a microtask: what waits again and again must let others run.
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal.throwIfAborted();
    },
  };
}

/** A sink that keeps what it gets. */
export function keepingSink(): TraceSink & { readonly records: TraceRecord[] } {
  const records: TraceRecord[] = [];
  return {
    records,
    append: (record) => void records.push(record),
    flush: async () => await Promise.resolve(),
    close: async () => await Promise.resolve(),
  };
}

/** An environment in memory. */
export function memoryEnvironment(
  change: (builder: ReturnType<typeof RuntimeEnvironment.builder>) => unknown = () => undefined,
): RuntimeEnvironment {
  const builder = RuntimeEnvironment.builder()
    .withSessionStoreFactory(new InMemorySessionStoreFactory())
    .withAttachmentStore(new InMemoryAttachmentStore());
  change(builder);
  return builder.build();
}

/** A session in memory that a provider answers, and its events. */
export async function openWith(
  provider: Provider,
  options: Omit<RuntimeOptions, 'providers'> & { readonly environment?: RuntimeEnvironment } = {},
): Promise<{
  readonly runtime: LashRuntime;
  readonly events: SessionEvent[];
  readonly environment: RuntimeEnvironment;
}> {
  const { environment = memoryEnvironment(), ...rest } = options;
  const runtime = await LashRuntime.open(environment, {
    mode: 'create',
    policy,
    clock: instantClock(),
    ...rest,
    providers: { fake: provider },
  });
  const events: SessionEvent[] = [];
  runtime.subscribe((event) => events.push(event));
  return { runtime, events, environment };
}

/** The text of the last message of the user that a model was shown. */
export function questionIn({ messages }: ModelRequest): string {
  const asked = messages.findLast(({ role }) => role === 'user');
  const [part] = asked?.parts ?? [];
  return part?.type === 'text' ? part.text : '';
}

/** A tool that answers `ok`, or what `more` says. */
export const toolNamed = (name: string, more: Partial<Tool> = {}): Tool => ({
  name,
  description: name,
  inputSchema: { type: 'object' },
  check: (value) => ({ ok: true, value }),
  execute: () => 'ok',
  ...more,
});
