import type { AttachmentStore } from '../contract/attachments.ts';
import {
  Residency,
  type RuntimeEnvironment,
  type RuntimeLimits,
  type TerminationPolicy,
} from '../contract/environment.ts';
import { PluginHost } from '../contract/plugin-host.ts';
import type { SessionStoreFactory } from '../contract/store.ts';
import type { BackgroundTaskHost } from '../contract/task.ts';
import { TraceLevel, type TraceContext, type TraceSink } from '../contract/trace.ts';
import { LashError } from '../core/error.ts';
import type { RetryLimits } from '../core/limits.ts';
import type {
  PromptContributionData,
  PromptLayerData,
  PromptSlotName,
  PromptTemplateData,
} from '../core/prompt-layer.ts';
import { addContribution, clearSlot, emptyLayer, replaceSlot, withTemplate } from '../prompt/layer.ts';
import { JsonlTraceSink } from '../sinks/jsonl-trace-sink.ts';
import { InMemoryAttachmentStore } from '../stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../stores/memory/memory-session-store-factory.ts';
import { frozenCopy } from './frozen-copy.ts';

/** Bounds that differ from the defaults; what is absent keeps its default. */
export type LimitChanges = Partial<Omit<RuntimeLimits, 'retries'>> & {
  readonly retries?: Partial<RetryLimits>;
};

const DEFAULT_LIMITS: RuntimeLimits = {
  residentBytes: 8 * 1024 * 1024,
  maxSteps: 16,
  toolResultBytes: 64 * 1024,
  childDepth: 4,
  openChildren: 16,
  retries: { maxAttempts: 4, baseDelayMs: 1000, maxDelayMs: 10_000, retryAfterCapMs: 60_000 },
};

type TraceChoice =
  | { readonly kind: 'sink'; readonly sink: TraceSink | null }
  | { readonly kind: 'jsonl'; readonly name: string };

/**
 * Builds a {@link RuntimeEnvironment}. Every `with` method returns the builder, the order of the calls does not matter
 * but where two set the same thing (the last one wins; a second plugin host is refused), and nothing is checked before {@link RuntimeEnvironmentBuilder.build}.
 */
export class RuntimeEnvironmentBuilder {
  readonly #pluginHosts: PluginHost[] = [];
  #residency: Residency = Residency.KeepAll;
  #backgroundTaskHost: BackgroundTaskHost | null = null;
  #sessionStoreFactory: SessionStoreFactory | undefined;
  #attachmentStore: AttachmentStore | undefined;
  #prompt: PromptLayerData = emptyLayer;
  #trace: TraceChoice = { kind: 'sink', sink: null };
  #traceLevel: TraceLevel = TraceLevel.Standard;
  #traceContext: TraceContext = {};
  #termination: TerminationPolicy = { treatMissingDoneAsFailure: true };
  #limits: RuntimeLimits = DEFAULT_LIMITS;

  /**
   * The plugins of the sessions, all of them: `build` throws `InvalidEnvironment` where two hosts were given, since those of the
   * first one would be lost in silence. Default: a host without any.
   */
  withPluginHost(host: PluginHost): this {
    this.#pluginHosts.push(host);
    return this;
  }

  /** Which nodes stay in memory. Default `KeepAll`. */
  withResidency(residency: Residency): this {
    this.#residency = residency;
    return this;
  }

  /**
   * Who owns background tasks, such as a `LocalBackgroundTaskHost`. The plugin host then says that they are available, and the
   * model is offered the tools `tasks_list` and `tasks_stop`, unless the session or a plugin has its own. Default: nobody.
   */
  withBackgroundTaskHost(host: BackgroundTaskHost): this {
    this.#backgroundTaskHost = host;
    return this;
  }

  /** Where sessions are stored. Default: in memory, apart from every other environment. */
  withSessionStoreFactory(factory: SessionStoreFactory): this {
    this.#sessionStoreFactory = factory;
    return this;
  }

  /** Where attachments are stored. Default: in memory, apart from every other environment. */
  withAttachmentStore(store: AttachmentStore): this {
    this.#attachmentStore = store;
    return this;
  }

  /** The template of the system prompt. Default: the package's own. */
  withPromptTemplate(template: PromptTemplateData): this {
    this.#prompt = withTemplate(this.#prompt, template);
    return this;
  }

  /** Adds a piece of prompt to the slot that it names. */
  withPromptContribution(contribution: PromptContributionData): this {
    this.#prompt = addContribution(this.#prompt, contribution);
    return this;
  }

  /** Gives `slot` exactly these contributions. */
  withReplacedPromptSlot(slot: PromptSlotName, contributions: Iterable<PromptContributionData>): this {
    this.#prompt = replaceSlot(this.#prompt, slot, contributions);
    return this;
  }

  /** Leaves `slot` empty. */
  withClearedPromptSlot(slot: PromptSlotName): this {
    this.#prompt = clearSlot(this.#prompt, slot);
    return this;
  }

  /** Takes `layer` in place of everything that was said about the prompt before. */
  withPromptLayer(layer: PromptLayerData): this {
    this.#prompt = layer;
    return this;
  }

  /**
   * Keeps a trace in the browser, in the database `<database of the sessions>.trace` (`lash-web.trace` for sessions in
   * memory); it is downloaded as `<name>.jsonl`.
   * `null`: no trace. Takes the place of an earlier sink.
   */
  withTraceJsonl(name: string | null): this {
    this.#trace = name === null ? { kind: 'sink', sink: null } : { kind: 'jsonl', name };
    return this;
  }

  /** Sends the trace to `sink`, or nowhere (`null`, the default). Takes the place of an earlier sink. */
  withTraceSink(sink: TraceSink | null): this {
    this.#trace = { kind: 'sink', sink };
    return this;
  }

  /** How much is traced. Default `standard`. */
  withTraceLevel(level: TraceLevel): this {
    this.#traceLevel = level;
    return this;
  }

  /** What every trace record carries besides its own context. */
  withTraceContext(context: TraceContext): this {
    this.#traceContext = context;
    return this;
  }

  /** What the end of a stream without a finish means. Default: a failed attempt. */
  withTermination(termination: TerminationPolicy): this {
    this.#termination = termination;
    return this;
  }

  /**
   * Bounds of every session. Defaults: `residentBytes` 8 MiB, `maxSteps` 16, `toolResultBytes` 64 KiB, `childDepth` 4,
   * `openChildren` 16, `retries` 4 attempts with 1 s doubling up to 10 s, and a `retry-after` of up to 60 s.
   */
  withLimits(limits: LimitChanges): this {
    this.#limits = {
      ...DEFAULT_LIMITS,
      ...limits,
      retries: { ...DEFAULT_LIMITS.retries, ...limits.retries },
    };
    return this;
  }

  /**
   * The environment: frozen, and with frozen copies of what is plain data. The builder may be used on.
   *
   * @throws `InvalidEnvironment` for a limit that is not a whole number or too small, an empty trace name, two plugin hosts, or a persistent
   *   session store whose attachments would lie in memory or in another database; `NotData` for a prompt or trace
   *   context that is not data.
   */
  build(): RuntimeEnvironment {
    const sessionStoreFactory = this.#sessionStoreFactory ?? new InMemorySessionStoreFactory();
    const attachmentStore = this.#attachmentStore ?? new InMemoryAttachmentStore();
    checkStores(sessionStoreFactory, attachmentStore);
    checkChoice('residency', this.#residency, Residency);
    checkChoice('traceLevel', this.#traceLevel, TraceLevel);
    const { retries, ...bounds } = this.#limits;
    checkCounts('limits', bounds);
    checkCounts('limits.retries', { ...retries });
    const [pluginHost = new PluginHost(), ...further] = this.#pluginHosts;
    if (further.length > 0) throw invalid('pluginHost', 'there are several: give all plugins to one');
    return Object.freeze({
      pluginHost: this.#backgroundTaskHost === null ? pluginHost : pluginHost.withBackgroundTasks(),
      residency: this.#residency,
      backgroundTaskHost: this.#backgroundTaskHost,
      sessionStoreFactory,
      attachmentStore,
      prompt: frozenCopy(this.#prompt, 'prompt'),
      traceSink: traceSink(this.#trace, sessionStoreFactory),
      traceLevel: this.#traceLevel,
      traceContext: frozenCopy(this.#traceContext, 'traceContext'),
      termination: frozenCopy(this.#termination, 'termination'),
      limits: frozenCopy(this.#limits, 'limits'),
    });
  }
}

function traceSink(choice: TraceChoice, factory: SessionStoreFactory): TraceSink | null {
  if (choice.kind === 'sink') return choice.sink;
  if (choice.name === '') throw invalid('traceSink', 'a trace needs a name');
  return new JsonlTraceSink(choice.name, factory.database === null ? {} : { database: factory.database });
}

function checkStores(sessions: SessionStoreFactory, attachments: AttachmentStore): void {
  if (!sessions.persistent) return;
  if (!attachments.persistent) {
    throw invalid(
      'attachmentStore',
      `sessions are kept in the database ${String(sessions.database)} and their attachments would be lost with the worker: give an attachment store on the same database`,
    );
  }
  if (attachments.database !== sessions.database) {
    throw invalid(
      'attachmentStore',
      `it is in the database ${String(attachments.database)}, and the sessions are in ${String(sessions.database)}`,
    );
  }
}

function checkChoice(field: string, value: string, choices: Readonly<Record<string, string>>): void {
  const known = Object.values(choices);
  if (!known.includes(value)) throw invalid(field, `must be one of ${known.join(', ')}`);
}

function checkCounts(field: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    const least = name.endsWith('Ms') ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw invalid(`${field}.${name}`, `must be a whole number, at least ${least}`);
    }
  }
}

function invalid(field: string, reason: string): LashError {
  return new LashError('InvalidEnvironment', `The environment's ${field} cannot be used: ${reason}`, {
    field,
    reason,
  });
}
