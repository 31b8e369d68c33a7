import type { SessionLease } from '../../src/contract/lease.ts';
import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { Tool, ToolContext } from '../../src/contract/tool.ts';
import type { ModelRequest } from '../../src/core/model-request.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import type { BenchDatabase } from './bench-database.ts';
import { POLICY, text } from './content.ts';

/** What is open of sessions besides the parent: runtimes, leases, and listeners for what other tabs do. */
interface OpenNow {
  readonly runtimes: number;
  readonly leases: number;
  readonly listeners: number;
}

/** What it came to that one turn had so many children. */
export interface ChildrenCosts {
  readonly completed: number;
  readonly seconds: number;
  /** The most that was open at a time, and what is open once all of them are closed. */
  readonly atMost: OpenNow;
  readonly afterwards: OpenNow;
}

/** One turn has so many children, `parallel` at a time; each is closed once it answered. */
export async function childrenCosts(
  database: BenchDatabase,
  count: number,
  parallel: number,
): Promise<ChildrenCosts> {
  const watch = new Watch();
  const environment = RuntimeEnvironment.builder()
    .withResidency('ActivePathOnly')
    .withLimits({ openChildren: parallel })
    .withPluginHost(watch.host)
    .withSessionStoreFactory(watch.factory(database.factory))
    .withAttachmentStore(database.environment().attachmentStore)
    .build();
  let completed = 0;
  const tool = spreads(count, parallel, () => completed++);
  const runtime = await LashRuntime.open(environment, {
    sessionId: `parent-${crypto.randomUUID()}`,
    mode: 'create',
    policy: POLICY,
    providers: { bench: model() },
    tools: [tool],
  });
  watch.begin();
  const begun = performance.now();
  const { status } = await runtime.turn('go').result;
  if (status !== 'completed') throw new Error(`the turn is ${status}`);
  const seconds = (performance.now() - begun) / 1000;
  const { atMost } = watch;
  await runtime.close();
  return { completed, seconds, atMost, afterwards: watch.now };
}

/** Counts what is open. */
class Watch {
  readonly host: PluginHost = this.#countingHost();
  #runtimes = 0;
  #leases = 0;
  #listeners = 0;
  atMost: OpenNow = { runtimes: 0, leases: 0, listeners: 0 };

  get now(): OpenNow {
    return { runtimes: this.#runtimes, leases: this.#leases, listeners: this.#listeners };
  }

  begin(): void {
    this.atMost = this.now;
  }

  factory(origin: SessionStoreFactory): SessionStoreFactory {
    const leases = standIn(origin.leases, {
      acquire: async (sessionId, options) => {
        const lease = await origin.leases.acquire(sessionId, options);
        return lease === null ? null : this.#counted(lease);
      },
      subscribe: (sessionId, listener) => {
        const stop = origin.leases.subscribe(sessionId, listener);
        this.#add({ listeners: 1 });
        return () => {
          stop();
          this.#add({ listeners: -1 });
        };
      },
    });
    return standIn(origin, { leases });
  }

  #counted(lease: SessionLease): SessionLease {
    let isHeld = true;
    this.#add({ leases: 1 });
    return standIn(lease, {
      release: async () => {
        await lease.release();
        if (isHeld) this.#add({ leases: -1 });
        isHeld = false;
      },
    });
  }

  #countingHost(): PluginHost {
    const host = new PluginHost();
    return standIn(host, {
      register: (sessionId) => {
        const end = host.register(sessionId);
        this.#add({ runtimes: 1 });
        return () => {
          end();
          this.#add({ runtimes: -1 });
        };
      },
    });
  }

  #add({ runtimes = 0, leases = 0, listeners = 0 }: Partial<OpenNow>): void {
    this.#runtimes += runtimes;
    this.#leases += leases;
    this.#listeners += listeners;
    const { now, atMost } = this;
    this.atMost = {
      runtimes: Math.max(now.runtimes, atMost.runtimes),
      leases: Math.max(now.leases, atMost.leases),
      listeners: Math.max(now.listeners, atMost.listeners),
    };
  }
}

/** The tool that gives each child a task. */
function spreads(count: number, parallel: number, done: () => void): Tool {
  return {
    name: 'spread',
    description: 'gives tasks to children',
    inputSchema: { type: 'object' },
    check: (value) => ({ ok: true, value }),
    execute: async (_, { sessions }: ToolContext) => {
      let next = 0;
      const work = async (): Promise<void> => {
        for (let at = next++; at < count; at = next++) {
          const child = await sessions.open({ key: `${at}` });
          const { status } = await child.turn(text(300, at));
          await child.close();
          if (status === 'completed') done();
        }
      };
      await Promise.all(Array.from({ length: parallel }, work));
      return null;
    },
  };
}

/** A model that asks for the tool once, and says something else in each child. */
function model(): Provider {
  let calls = 0;
  const isParent = ({ tools }: ModelRequest): boolean => tools.length > 0;
  return {
    model: 'bench',
    maxContextTokens: 8_000,
    async *stream(request) {
      await Promise.resolve();
      const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };
      const asks = isParent(request) && request.messages.every(({ role }) => role !== 'tool');
      if (asks) yield { type: 'tool-call', callId: 'spread', tool: 'spread', args: '{}' };
      else yield { type: 'text-delta', text: text(600, ++calls) };
      yield { type: 'finish', reason: asks ? 'tool-calls' : 'stop', usage };
    },
  };
}
