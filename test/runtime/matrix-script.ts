import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { LashError } from '../../src/core/error.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { clockOfItsOwn, lastingAttachments } from './stores.ts';
import { call, finish, memoryEnvironment, policy, text } from './support.ts';

/** A place of the script that is not a write to storage. */
export type Place = 'mid-stream' | 'in look' | 'in pay' | 'in erase';

/** What happens outside of the browser: what tools did, and what the model was asked. */
export interface World {
  readonly runs: Record<'look' | 'pay' | 'erase', number>;
  calls: number;
  failures: number;
  /** Called at each place. */
  at: (place: Place) => Promise<void>;
}

export function newWorld(): World {
  const at = async (): Promise<void> => await Promise.resolve();
  return { runs: { look: 0, pay: 0, erase: 0 }, calls: 0, failures: 0, at };
}

/**
 * The model of the script: it looks and pays, fails once, erases with somebody's approval, and says that it is done. What it
 * does depends on what it is shown, so that whoever goes on gets the same.
 */
export function scriptedModel(world: World): Provider {
  return {
    model: 'fake-1',
    maxContextTokens: 100_000,
    async *stream({ messages }): AsyncIterable<ModelEvent> {
      world.calls++;
      const results = messages.flatMap((message) => (message.role === 'tool' ? message.parts : [])).length;
      if (results === 0) {
        yield text('Let me look');
        await world.at('mid-stream');
        yield call('1', 'look', '{}');
        yield call('2', 'pay', '{}');
        yield finish('tool-calls');
        return;
      }
      if (results === 2) {
        if (world.failures++ === 0) throw new LashError('ProviderUnavailable', 'down', { status: 503 });
        yield call('3', 'erase', '{}');
        yield finish('tool-calls');
        return;
      }
      yield text('done');
      await world.at('mid-stream');
      yield finish();
    },
  };
}

export function scriptedTools(world: World): readonly Tool[] {
  const tool = (name: keyof World['runs'], more: Partial<Tool>): Tool => ({
    name,
    description: name,
    inputSchema: { type: 'object' },
    check: (value) => ({ ok: true, value }),
    execute: async () => {
      world.runs[name]++;
      await world.at(`in ${name}`);
      return name;
    },
    ...more,
  });
  return [
    tool('look', { replay: 'safe' }),
    tool('pay', {}),
    tool('erase', { approval: true, replay: 'never' }),
  ];
}

/** Opens the session of the script on a tab's way to storage, and approves what it is asked. */
export async function openScripted(
  factory: SessionStoreFactory,
  world: World,
): Promise<{ readonly runtime: LashRuntime; readonly events: SessionEvent[] }> {
  const environment = memoryEnvironment((builder) =>
    builder.withSessionStoreFactory(factory).withAttachmentStore(lastingAttachments()),
  );
  const runtime = await LashRuntime.open(environment, {
    sessionId: 's',
    mode: 'openOrCreate',
    policy,
    clock: clockOfItsOwn(),
    providers: { fake: scriptedModel(world) },
    tools: scriptedTools(world),
  });
  const events: SessionEvent[] = [];
  const asked = new Set<string>();
  const approve = (waits: readonly TurnWait[]): void => {
    for (const wait of waits) {
      if (wait.kind !== 'approval' || asked.has(wait.requestId)) continue;
      asked.add(wait.requestId);
      // Whoever is overtaken or dead does not answer, and need not.
      runtime.answer(wait.requestId, { approve: true }).catch(() => undefined);
    }
  };
  runtime.subscribe((event) => {
    events.push(event);
    if (event.type === 'turn-waiting') approve(event.waits);
    if (event.type === 'turn-joined') approve(event.turn.waits);
  });
  approve(runtime.view().turn?.waits ?? []);
  return { runtime, events };
}
