import { systemClock } from '../../src/contract/clock.ts';
import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStore } from '../../src/contract/store.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import type { SessionPolicy } from '../../src/core/policy.ts';
import { rollingHistory } from '../../src/plugins/rolling-history.ts';
import { toolOutputBudget } from '../../src/plugins/tool-output-budget.ts';
import { builtinProvider } from '../../src/providers/builtin.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { runHousekeeping } from '../../src/worker/housekeeping.ts';
import { dice } from '../support/dice.ts';
import { openDatabase } from '../support/open-database.ts';
import { questionOf, TOOLS } from './agent-tools.ts';

const SESSION = 'agent';
const BRANCH_EVERY = 7;
const BACK = 3;
const HOUSEKEEPING_EVERY = 100;

/** What the agent's model takes, in tokens. */
export const CONTEXT_TOKENS = 4096;
/** What its session holds of its path. */
export const RESIDENT_BYTES: number = 256 * 1024;

const POLICY: SessionPolicy = {
  provider: { id: 'builtin', model: 'builtin' },
  maxContextTokens: CONTEXT_TOKENS,
};

/** What an agent has come to. */
export interface AgentState {
  readonly turns: number;
  readonly depth: number;
  readonly nodeCount: number;
  readonly residentBytes: number;
  /** The most tokens that a model call was given, and how many calls there were. */
  readonly largestPrompt: number;
  readonly modelCalls: number;
  readonly toolCalls: number;
  readonly summaries: number;
  /** The child sessions that are stored. */
  readonly children: number;
  readonly tombstoned: number;
  readonly rowsRemoved: number;
  readonly attachmentsRemoved: number;
  /** How many rows a turn read and wrote since the state before, on average. */
  readonly rowsRead: number;
  readonly rowsWritten: number;
  /** What it was warned of. */
  readonly warnings: readonly string[];
}

/** What one commit of always the same nodes asks of the database, and its median time in milliseconds. */
export interface CommitCost {
  readonly rows: RowCounters;
  readonly ms: number;
}

/** An agent that goes on and on: it calls tools, has its history summarised, goes back now and then, and its house is kept. */
export class LongAgent {
  readonly #factory: IndexedDbSessionStoreFactory;
  readonly #environment: RuntimeEnvironment;
  readonly #runtime: LashRuntime;
  readonly #roll: (end: number) => number;
  readonly #usage: Prompts;
  #turns = 0;
  #leaves: (string | null)[] = [];
  #toolCalls = 0;
  #summaries = 0;
  #tombstoned = 0;
  #rowsRemoved = 0;
  #attachmentsRemoved = 0;
  readonly #warnings: string[] = [];
  readonly #costs: RowCounters[] = [];

  private constructor(
    factory: IndexedDbSessionStoreFactory,
    environment: RuntimeEnvironment,
    runtime: LashRuntime,
    usage: Prompts,
    seed: number,
  ) {
    this.#factory = factory;
    this.#environment = environment;
    this.#runtime = runtime;
    this.#usage = usage;
    this.#roll = dice(seed);
    runtime.subscribe((event) => this.#hear(event));
  }

  static async create(seed: number): Promise<LongAgent> {
    const database = openDatabase('soak-agent');
    const factory = new IndexedDbSessionStoreFactory(database);
    const plugins = [toolOutputBudget({ maxBytes: 1024, maxLines: 40 }), rollingHistory()];
    const environment = RuntimeEnvironment.builder()
      .withResidency('ActivePathOnly')
      .withLimits({ residentBytes: RESIDENT_BYTES })
      .withPluginHost(new PluginHost(plugins))
      .withSessionStoreFactory(factory)
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .build();
    const usage = new Prompts();
    const providers = { builtin: usage.watched(builtinProvider({ wordsPerSecond: 0 })) };
    const runtime = await LashRuntime.open(environment, {
      sessionId: SESSION,
      mode: 'create',
      policy: POLICY,
      providers,
      tools: TOOLS,
    });
    return new LongAgent(factory, environment, runtime, usage, seed);
  }

  async run(turns: number): Promise<AgentState> {
    this.#costs.splice(0);
    for (let done = 0; done < turns; done++) {
      this.#costs.push(await this.#costOf(async () => await this.#turn()));
      if (this.#turns % HOUSEKEEPING_EVERY === 0) await this.#keepHouse();
    }
    return await this.#state();
  }

  /** What a commit costs now. */
  async commitCost(): Promise<CommitCost> {
    const times: number[] = [];
    let rows: RowCounters | undefined;
    const message = { role: 'assistant', parts: [{ type: 'text', text: 'x'.repeat(1000) }] } as const;
    const nodes = Array.from({ length: 4 }, () => ({ kind: 'conversation', message }) as const);
    const { leaf } = this.#runtime.view().head;
    for (let time = 0; time < 21; time++) {
      const start = performance.now();
      rows = await this.#costOf(async () => await this.#runtime.appendSessionNodes({ nodes }));
      times.push(performance.now() - start);
    }
    await this.#runtime.branchToNode(leaf);
    if (rows === undefined) throw new Error('nothing was committed');
    return { rows, ms: times.toSorted((a, b) => a - b)[10] ?? Number.NaN };
  }

  /** Ends the agent and deletes its session and children; resolves with how many rows each store has that holds any. */
  async end(): Promise<Readonly<Record<string, number>>> {
    await this.#keepHouse();
    await this.#runtime.close();
    const children = await this.#factory.list({ parent: SESSION });
    for (const { sessionId } of children.items) await this.#factory.delete(sessionId);
    await this.#factory.delete(SESSION);
    return await rowsOf('soak-agent');
  }

  /** What `work` asks of the database. */
  async #costOf(work: () => Promise<unknown>): Promise<RowCounters> {
    const before = this.#factory.counters;
    await work();
    const after = this.#factory.counters;
    return {
      transactions: after.transactions - before.transactions,
      rowsRead: after.rowsRead - before.rowsRead,
      rowsWritten: after.rowsWritten - before.rowsWritten,
      bytesWritten: after.bytesWritten - before.bytesWritten,
    };
  }

  async #turn(): Promise<void> {
    this.#turns++;
    const goesBack = this.#turns % BRANCH_EVERY === 0 && this.#leaves.length > BACK;
    if (goesBack) this.#leaves.splice(-BACK);
    const from = goesBack ? { from: this.#leaves.at(-1) ?? null } : {};
    const question = questionOf(this.#turns, this.#roll);
    const { status, error } = await this.#runtime.turn(question, from).result;
    if (status !== 'completed') throw new Error(`turn ${this.#turns} is ${status}: ${error?.message ?? ''}`);
    this.#leaves = [...this.#leaves, this.#runtime.view().head.leaf].slice(-2 * BACK);
  }

  async #keepHouse(): Promise<void> {
    const report = await runHousekeeping(
      {
        environment: this.#environment,
        clock: systemClock,
        signal: new AbortController().signal,
        onStore: async (sessionId, work) => await this.#onStore(sessionId, work),
      },
      { youngerThanMs: 0 },
    );
    if (report.error !== undefined) throw new Error(`housekeeping: ${report.error.message}`);
    for (const { tombstoned, vacuum } of report.sessions) {
      this.#tombstoned += tombstoned;
      this.#rowsRemoved += vacuum.removedRows;
    }
    // A day is longer than this runs: what no branch refers to any more goes at once.
    const { attachments } = await this.#runtime.maintain(
      async (store) => await store.gcUnreachable({ only: 'attachments', keepYoungerThanMs: 0 }),
    );
    this.#attachmentsRemoved += attachments.removed;
  }

  async #onStore<T>(sessionId: string, work: (store: SessionStore) => Promise<T>): Promise<T> {
    if (sessionId === SESSION) return await this.#runtime.maintain(work);
    const store = await this.#factory.open(sessionId, { kind: 'open' });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'warning') this.#warnings.push(event.message);
    if (event.type !== 'nodes-committed') return;
    for (const { body } of event.nodes) {
      if (body.kind === 'tool') this.#toolCalls++;
      if (body.kind === 'plugin') this.#summaries++;
    }
  }

  async #state(): Promise<AgentState> {
    const { head } = this.#runtime.view();
    const { items } = await this.#factory.list({ parent: SESSION });
    const average = (of: (cost: RowCounters) => number): number =>
      this.#costs.reduce((sum, cost) => sum + of(cost), 0) / Math.max(1, this.#costs.length);
    return {
      turns: this.#turns,
      depth: head.depth,
      nodeCount: head.nodeCount,
      residentBytes: this.#runtime.residentBytes,
      largestPrompt: this.#usage.largest,
      modelCalls: this.#usage.calls,
      toolCalls: this.#toolCalls,
      summaries: this.#summaries,
      children: items.length,
      tombstoned: this.#tombstoned,
      rowsRemoved: this.#rowsRemoved,
      attachmentsRemoved: this.#attachmentsRemoved,
      rowsRead: average(({ rowsRead }) => rowsRead),
      rowsWritten: average(({ rowsWritten }) => rowsWritten),
      warnings: this.#warnings,
    };
  }
}

/** What a model was given, as it counts it. */
class Prompts {
  largest = 0;
  calls = 0;

  watched(provider: Provider): Provider {
    const hear = (tokens: number): void => {
      this.largest = Math.max(this.largest, tokens);
      this.calls++;
    };
    return {
      ...provider,
      async *stream(request, signal) {
        for await (const event of provider.stream(request, signal)) {
          if (event.type === 'finish') hear(event.usage.inputTokens);
          yield event;
        }
      },
    };
  }
}

async function rowsOf(name: string): Promise<Readonly<Record<string, number>>> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new Error(request.error?.message));
  });
  const counts: [string, number][] = [];
  for (const store of database.objectStoreNames) {
    const request = database.transaction(store).objectStore(store).count();
    const rows = await new Promise<number>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error(request.error?.message));
    });
    if (rows > 0) counts.push([store, rows]);
  }
  database.close();
  return Object.fromEntries(counts);
}
