import { LashError, reasonText, toWireError, type WireError } from '../core/error.ts';
import { findNonJson } from '../core/json.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { PageModelEvents, PageProviderSpec } from '../protocol/api.ts';
import type { Outcome } from '../protocol/wire.ts';
import { ModelBatches } from './model-batches.ts';
import type { MakeCall } from './session.ts';

/**
 * A model that the page calls, for what only a page can reach. It keeps the contract of the worker's providers (rules PR1
 * to PR4 at {@link ModelEvent}), so that either side takes either. It holds no session's state: any session may call it,
 * also at the same time.
 */
export interface PageProvider extends PageProviderSpec {
  /** Calls the model. What it throws ends the call; the turn goes by the error's code and whether it is `retryable`. */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

/** The providers that a page offers, and their calls that run. */
export class PageProviders {
  readonly #call: MakeCall;
  readonly #running = new Map<number, AbortController>();
  readonly #providers = new Map<string, PageProvider>();

  constructor(call: MakeCall) {
    this.#call = call;
  }

  /** Offers `provider`, or takes the offer back; where that is refused, what was offered before stays. */
  async offer(id: string, provider: PageProvider | null): Promise<void> {
    const before = this.#providers.get(id) ?? null;
    this.#keep(id, provider);
    try {
      await this.#tell(id, provider);
    } catch (error) {
      this.#keep(id, before);
      throw error;
    }
  }

  /** Offers everything again, to a new worker. */
  async offerAgain(): Promise<void> {
    for (const [id, provider] of this.#providers) await this.#tell(id, provider);
  }

  /** Makes one call, to its end. Never rejects. */
  async run(call: number, id: string, request: ModelRequest): Promise<void> {
    const controller = new AbortController();
    this.#running.set(call, controller);
    const batches = new ModelBatches(async (batch) => await this.#send({ call, ...batch }));
    const end = await this.#answer(id, request, controller.signal, batches).then(
      () => ({ ok: true, value: null }) as const,
      (error: unknown) => ({ ok: false, error: wireError(error) }) as const,
    );
    if (this.#running.get(call) === controller) this.#running.delete(call);
    await batches.end(end satisfies Outcome<null>);
  }

  /** Tells a call that nobody waits for it any more. */
  cancel(call: number, reason: string): void {
    this.#running.get(call)?.abort(new LashError('Cancelled', reason, { reason }));
  }

  /** Tells every call. */
  cancelAll(reason: string): void {
    for (const call of this.#running.keys()) this.cancel(call, reason);
  }

  #keep(id: string, provider: PageProvider | null): void {
    if (provider === null) this.#providers.delete(id);
    else this.#providers.set(id, provider);
  }

  async #tell(id: string, provider: PageProvider | null): Promise<void> {
    if (provider === null) return await this.#call('offerProvider', { id, provider });
    const { model, maxContextTokens } = provider;
    const limit = maxContextTokens === undefined ? {} : { maxContextTokens };
    await this.#call('offerProvider', { id, provider: { model, ...limit } });
  }

  /** Sends a batch. What the worker refuses ends the call there as well: nobody is to wait for more. */
  async #send(batch: PageModelEvents): Promise<boolean> {
    try {
      return await this.#call('modelEvents', batch);
    } catch (error) {
      const end = { ok: false, error: wireError(error) } as const;
      // When the worker is gone, so is whoever asked.
      await this.#call('modelEvents', { call: batch.call, events: [], end }).catch(() => undefined);
      return false;
    }
  }

  /** Passes on what the model says, as fast as it is taken, until it finishes or nobody wants more. */
  async #answer(id: string, request: ModelRequest, signal: AbortSignal, to: ModelBatches): Promise<void> {
    const provider = this.#providers.get(id);
    if (provider === undefined) {
      const data = { providerId: id };
      throw new LashError('ProviderNotFound', `The page offers no provider ${id}`, data);
    }
    const stream = provider.stream(request, signal)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const result = await untilAborted(stream.next(), signal);
        if (result.done === true) return;
        const event = result.value;
        if (findNonJson(event) !== undefined) throw notAnEvent(id);
        if (!(await to.add(event)) || event.type === 'finish') return;
      }
    } finally {
      // Nobody listens any more: a stream that cannot be put away has nothing left to tell.
      void Promise.resolve(stream.return?.()).catch(() => undefined);
    }
  }
}

/** `coming`, or a rejection as soon as `signal` aborts: a model need not obey it. */
function untilAborted<T>(coming: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    Promise.resolve(coming)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

function notAnEvent(id: string): LashError {
  const message = `The page's provider ${id} yielded something that is not plain data`;
  return new LashError('ProviderStreamInvalid', message, {}, { retryable: false });
}

/** What was thrown, as data, also where its own data is none. */
function wireError(error: unknown): WireError {
  const wire = toWireError(error);
  return findNonJson(wire) === undefined ? wire : toWireError(new Error(reasonText(error)));
}
