import { wrap } from 'comlink';

import { LashError } from '../core/error.ts';
import { refuseNonData } from '../core/plain-data.ts';
import type { CallName, CallRequest, CallResult } from '../protocol/api.ts';
import type { ChannelItem } from '../protocol/channel-item.ts';
import { EventReceiver } from '../protocol/event-channel.ts';
import { watchLiveness } from '../protocol/liveness.ts';
import { type Answer, unwrap } from '../protocol/wire.ts';

type RemoteCalls = {
  readonly [Name in CallName]: (request: CallRequest<Name>) => Promise<Answer<CallResult<Name>>>;
};

/** What a {@link WorkerLink} tells its owner. */
export interface LinkListener {
  /** A batch of events, in order. */
  deliver(items: readonly ChannelItem[]): void;
  /** The worker is gone; every call that was waiting has been rejected. Told once. */
  lost(error: LashError): void;
}

/**
 * The page's end of one connection: calls go out by Comlink, events come in on a port of their own, and when the worker
 * dies, every call that waits is rejected with `WorkerLost` (law WB2), which Comlink alone would never do.
 */
export class WorkerLink {
  readonly #calls: MessagePort;
  readonly #remote: RemoteCalls;
  readonly #events: EventReceiver;
  readonly #listener: LinkListener;
  readonly #waiting = new Set<(error: LashError) => void>();
  readonly #over = new AbortController();
  #ended: LashError | undefined;

  constructor(calls: MessagePort, events: MessagePort, listener: LinkListener) {
    this.#calls = calls;
    this.#remote = wrap<RemoteCalls>(calls);
    this.#events = new EventReceiver(events, (items) => listener.deliver(items));
    this.#listener = listener;
  }

  /** Watches `worker` and the lock that it holds. */
  watch(worker: Worker, lock: string | null): void {
    const { signal } = this.#over;
    worker.addEventListener('error', (event) => this.lose(event.message), { signal });
    if (lock === null) return;
    watchLiveness(
      navigator.locks,
      lock,
      signal,
      () => this.lose('its lock was released'),
      (error) => this.lose(`it cannot be watched: ${String(error)}`),
    );
  }

  /**
   * Makes a call. By the time it resolves, every event that came before its end has been delivered: what a caller reads
   * then includes what it did.
   *
   * @throws `NotData` for a request that is not plain data, `WorkerLost`, `ClientClosed`, and what the worker threw.
   */
  async call<Name extends CallName>(name: Name, request: CallRequest<Name>): Promise<CallResult<Name>> {
    // Uploads and imports hold a Blob. Of anything else that cannot be sent, the caller is told here which value it was.
    const { blob: _bytes, ...data } = { blob: undefined, ...request };
    refuseNonData(data, '$', ` of ${name}`);
    if (this.#ended !== undefined) throw this.#ended;
    let giveUp: (error: LashError) => void = () => undefined;
    const ended = new Promise<never>((_resolve, reject) => (giveUp = reject));
    this.#waiting.add(giveUp);
    try {
      const answer = await Promise.race([ended, this.#remote[name](request)]);
      await Promise.race([ended, this.#events.seen(answer.seen)]);
      return unwrap(answer.outcome);
    } finally {
      this.#waiting.delete(giveUp);
    }
  }

  /** Ends the connection because the worker is gone. */
  lose(reason: string): void {
    if (this.#ended !== undefined) return;
    const error = new LashError('WorkerLost', `The worker ended: ${reason}`, {});
    this.end(error);
    this.#listener.lost(error);
  }

  /** Ends the connection: what waits, and every later call, is rejected with `error`. */
  end(error: LashError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#over.abort();
    this.#events.close();
    this.#calls.close();
    for (const giveUp of this.#waiting) giveUp(error);
  }
}
