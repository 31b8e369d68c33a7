import {
  type AttachmentStoreContext,
  type LeaseContext,
  ManualClock,
  type PluginConformanceContext,
  type PluginHostContext,
  type ResidencyContext,
  scriptedText,
  scriptedToolCalls,
  type SessionStoreContext,
} from 'lash-web/testing';
import {
  IndexedDbAttachmentStore,
  IndexedDbDatabase,
  IndexedDbSessionStoreFactory,
  type JsonValue,
  LashRuntime,
  RuntimeEnvironment,
  SecretVault,
} from 'lash-web/worker';

import { planPlugin } from '../plugins/plan.ts';
import { deleteDatabase, kitDatabase } from './databases.ts';

const MIB = 1024 * 1024;
const SECRET = 'a-secret-of-the-kit';
const POLICY = { provider: { id: 'none', model: 'none' } };

/** Says what time it is for everything that runs in this worker; `null`: what it really is. */
export type SetNow = (now: (() => number) | null) => void;

/** The storage of one case: connections to databases of its own, and what is to be closed before they are deleted. */
export class Bench {
  readonly #name: string = kitDatabase();
  readonly #names = new Set<string>();
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #setNow: SetNow;

  constructor(setNow: SetNow) {
    this.#setNow = setNow;
  }

  sessions(): SessionStoreContext {
    const database = this.#connect();
    return {
      factory: new IndexedDbSessionStoreFactory(database),
      attachments: new IndexedDbAttachmentStore(database),
      reopen: async () => this.#factory(),
    };
  }

  /** The sweep has no clock of its own, so that the whole worker's is held still. */
  async attachments(): Promise<AttachmentStoreContext> {
    const clock = new ManualClock();
    this.#setNow(() => clock.now());
    const database = this.#connect();
    const options = { maxBytes: 5 * MIB, clock };
    const sweeper = await this.#factory().open(crypto.randomUUID(), {
      kind: 'create',
      title: '',
      policy: POLICY,
      at: clock.now(),
    });
    return {
      store: new IndexedDbAttachmentStore(database, options),
      factory: new IndexedDbSessionStoreFactory(database),
      reopen: async () => new IndexedDbAttachmentStore(this.#connect(), options),
      sweep: async (keepYoungerThanMs) => {
        const report = await sweeper.gcUnreachable({ only: 'attachments', keepYoungerThanMs });
        return report.attachments;
      },
      pass: (ms) => clock.advance(ms),
    };
  }

  residency(): ResidencyContext {
    return {
      environment: async (residency, residentBytes) =>
        this.#builder(this.#name)
          .withResidency(residency)
          .withLimits(residentBytes === undefined ? {} : { residentBytes })
          .build(),
      elsewhere: async () => this.#builder(`${this.#name}-elsewhere`).withResidency('ActivePathOnly').build(),
      open: async (environment, options) => this.#kept(await LashRuntime.open(environment, options)),
      resume: async (parked, environment, options) =>
        this.#kept(await LashRuntime.resume(parked, environment, options)),
    };
  }

  /** Its sessions are the cases' to close: what a case kills can never be closed. */
  pluginHost(): PluginHostContext {
    const secrets = new SecretVault();
    secrets.set('key', SECRET);
    return {
      secret: SECRET,
      environment: async () => this.#builder(this.#name).build(),
      open: async (environment, options) => await LashRuntime.open(environment, { ...options, secrets }),
      resume: async (parked, environment, options) =>
        await LashRuntime.resume(parked, environment, { ...options, secrets }),
    };
  }

  /** The demo's own plan. */
  plugin(): PluginConformanceContext {
    const calling = (tool: string, args: JsonValue) => scriptedToolCalls([{ tool, args }]);
    const plan = calling('plan', { steps: ['Look', 'Leap'] });
    const tick = calling('tick', { step: 'Look' });
    return {
      ...this.pluginHost(),
      plugin: () => planPlugin(),
      exercise: { input: 'Plan it', calls: [plan, tick, scriptedText('It is planned.')] },
    };
  }

  leases(): LeaseContext {
    return { here: this.#factory().leases, elsewhere: this.#factory().leases };
  }

  /** Closes everything and deletes the databases. */
  async close(): Promise<void> {
    this.#setNow(null);
    for (const close of this.#closing.toReversed()) await close();
    await Promise.all([...this.#names].map(deleteDatabase));
  }

  #builder(name: string): ReturnType<typeof RuntimeEnvironment.builder> {
    const database = this.#connect(name);
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database));
  }

  #factory(): IndexedDbSessionStoreFactory {
    return new IndexedDbSessionStoreFactory(this.#connect());
  }

  #connect(name: string = this.#name): IndexedDbDatabase {
    this.#names.add(name);
    const database = IndexedDbDatabase.open(name);
    this.#closing.push(() => database.close());
    return database;
  }

  #kept(runtime: LashRuntime): LashRuntime {
    this.#closing.push(() => runtime.close());
    return runtime;
  }
}
