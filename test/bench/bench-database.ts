import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { POLICY, text } from './content.ts';

/** How a session under test is opened. */
type BenchOptions = RuntimeOptions & { readonly residentBytes?: number; readonly pluginHost?: PluginHost };

/** The database under test, as a worker uses it. */
export class BenchDatabase {
  readonly factory: IndexedDbSessionStoreFactory;
  readonly #database: IndexedDbDatabase;

  constructor(name: string) {
    this.#database = IndexedDbDatabase.open(name);
    this.factory = new IndexedDbSessionStoreFactory(this.#database);
  }

  environment(residentBytes?: number, pluginHost = new PluginHost()): RuntimeEnvironment {
    return RuntimeEnvironment.builder()
      .withResidency('ActivePathOnly')
      .withLimits(residentBytes === undefined ? {} : { residentBytes })
      .withPluginHost(pluginHost)
      .withSessionStoreFactory(this.factory)
      .withAttachmentStore(new IndexedDbAttachmentStore(this.#database))
      .build();
  }

  async openRuntime(
    sessionId: string,
    { residentBytes, pluginHost, ...options }: BenchOptions = {},
  ): Promise<LashRuntime> {
    const providers = { bench: provider(600) };
    return await LashRuntime.open(this.environment(residentBytes, pluginHost), {
      sessionId,
      providers,
      ...options,
    });
  }

  async createRuntime(sessionId: string, residentBytes?: number): Promise<LashRuntime> {
    const limits = residentBytes === undefined ? {} : { residentBytes };
    return await this.openRuntime(sessionId, { mode: 'create', policy: POLICY, ...limits });
  }

  /** What `action` asked of the database. */
  async costOf(action: () => Promise<unknown>): Promise<RowCounters> {
    const before = this.factory.counters;
    await action();
    const after = this.factory.counters;
    return {
      transactions: after.transactions - before.transactions,
      rowsRead: after.rowsRead - before.rowsRead,
      rowsWritten: after.rowsWritten - before.rowsWritten,
      bytesWritten: after.bytesWritten - before.bytesWritten,
    };
  }
}

/** A model that says something else each time, and keeps nothing. */
function provider(characters: number): Provider {
  let calls = 0;
  return {
    model: 'bench',
    maxContextTokens: 8_000,
    async *stream() {
      await Promise.resolve();
      yield { type: 'text-delta', text: text(characters, ++calls) };
      const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };
      yield { type: 'finish', reason: 'stop', usage };
    },
  };
}
