import { loadModule } from '../contract/load-module.ts';
import type { Provider, Providers } from '../contract/provider.ts';
import { LashError, reasonText, toWireError } from '../core/error.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { PageModelEvents, PageProviderSpec } from '../protocol/api.ts';
import type { EventSender } from '../protocol/event-channel.ts';
import { type Outcome, unwrap } from '../protocol/wire.ts';
import type { Schema } from './schema/basic.ts';

/**
 * The providers that a page offers, as the engine sees providers. To call one, the page is asked over the event channel,
 * and brings the answer in batches; the next one comes when the turn has taken the last, so that a model that is faster
 * than the turn waits on its page. A call belongs to that page; one that is stopped is at an end here at once.
 */
export class PageProviders {
  readonly #channel: EventSender;
  readonly #schema: Schema<readonly ModelEvent[]>;
  readonly #answers = new Map<number, PageAnswer>();
  #providers: Providers = {};
  #calls = 0;

  /** `schema` is that of a batch of events. */
  constructor(channel: EventSender, schema: Schema<readonly ModelEvent[]>) {
    this.#channel = channel;
    this.#schema = schema;
  }

  /** What the page offers now, by id. */
  get providers(): Providers {
    return this.#providers;
  }

  /** Takes an offer, or takes it back; calls that run already go on. @throws `InvalidInput` for an id that is `taken` */
  offer(id: string, spec: PageProviderSpec | null, taken: readonly string[]): void {
    if (taken.includes(id)) {
      const reason = 'names a provider that the worker has';
      throw new LashError('InvalidInput', `The id ${id} ${reason}`, { path: 'id', reason });
    }
    const others = Object.entries(this.#providers).filter(([other]) => other !== id);
    this.#providers = Object.fromEntries(
      spec === null ? others : [...others, [id, this.#provider(id, spec)]],
    );
  }

  /** More of an answer. Resolves when the turn has taken it, with whether it wants the rest. */
  async take({ call, events, end }: PageModelEvents): Promise<boolean> {
    const answer = this.#answers.get(call);
    if (answer === undefined) return false;
    const checked = this.#schema.safeParse(events);
    if (checked.success) return await answer.add(checked.data, end);
    const { firstProblem } = await loadModule('problem', import('./problem.ts'));
    const { path, reason } = firstProblem(checked.error, 'events');
    const message = `The page's provider sent something that is no event of a model: ${path} ${reason}`;
    // It would say the same again.
    const invalid = new LashError('ProviderStreamInvalid', message, {}, { retryable: false });
    return await answer.add([], { ok: false, error: toWireError(invalid) });
  }

  #provider(id: string, spec: PageProviderSpec): Provider {
    return { ...spec, stream: (request, signal) => this.#stream(id, request, signal) };
  }

  async *#stream(
    provider: string,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelEvent, void, undefined> {
    if (signal.aborted) return;
    this.#calls += 1;
    const call = this.#calls;
    const answer = new PageAnswer();
    const stop = (): void => answer.close();
    this.#answers.set(call, answer);
    signal.addEventListener('abort', stop, { once: true });
    this.#channel.push({ kind: 'model-call', call, provider, request });
    this.#channel.flush();
    try {
      yield* answer.events();
    } finally {
      signal.removeEventListener('abort', stop);
      this.#answers.delete(call);
      answer.close();
      if (!answer.ended) {
        const reason = signal.aborted ? reasonText(signal.reason) : 'the answer is not wanted any more';
        this.#channel.push({ kind: 'model-cancelled', call, reason });
      }
    }
  }
}

/** What has come of an answer, between the page that brings it and the turn that takes it. */
class PageAnswer {
  readonly #events: ModelEvent[] = [];
  #end: Outcome<null> | undefined;
  #closed = false;
  /** Tells the turn that something came. */
  #wake: () => void = () => undefined;
  /** Tells the page that everything was taken, and whether the rest is wanted. */
  #taken: (wanted: boolean) => void = () => undefined;

  /** Whether the page has said how the answer ended. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Resolves when the turn has taken these events, with whether it wants more. */
  async add(events: readonly ModelEvent[], end: Outcome<null> | undefined): Promise<boolean> {
    for (const event of events) this.#events.push(event);
    this.#end ??= end;
    this.#taken(true);
    const taken = new Promise<boolean>((resolve) => (this.#taken = resolve));
    if (this.#closed) this.#taken(false);
    this.#wake();
    return await taken;
  }

  async *events(): AsyncGenerator<ModelEvent, void, undefined> {
    while (!this.#closed) {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) yield event;
      this.#taken(this.#end === undefined);
      if (this.#end !== undefined) {
        unwrap(this.#end);
        return;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Nobody takes anything any more. */
  close(): void {
    this.#closed = true;
    this.#taken(false);
    this.#wake();
  }
}
