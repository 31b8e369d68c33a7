import { wrap } from 'comlink';

import { isLashError, LashError } from '../core/error.ts';
import { refuseNonData } from '../core/plain-data.ts';
import type { CallName, CallRequest, CallResult } from '../protocol/api.ts';
import type { ChannelItem } from '../protocol/channel-item.ts';
import { EventReceiver } from '../protocol/event-channel.ts';
import { watchLiveness } from '../protocol/liveness.ts';
import { type Answer, unwrap } from '../protocol/wire.ts';
import { watchPulse } from './pulse.ts';

type RemoteCalls = {
  readonly [Name in CallName]: (request: CallRequest<Name>) => Promise<Answer<CallResult<Name>>>;
};

/** What a {@link WorkerLink} tells its owner. */
export interface LinkListener {
  /** A batch of events, in order. */
  deliver(items: readonly ChannelItem[]): void;
  /** The worker is gone, or does not answer; every call that was waiting has been rejected. Told once. */
  lost(error: LashError): void;
}

/**
 * The page's end of one connection: calls go out by Comlink, events come in on a port of their own, and when the worker
 * dies, every call that waits is rejected with `WorkerLost` (law WB2), which Comlink alone would never do. While calls wait,
 * the worker is pinged; if it does not answer, they are rejected with `WorkerUnresponsive`.
 */
export class WorkerLink {
  readonly #calls: MessagePort;
  readonly #remote: RemoteCalls;
  readonly #events: EventReceiver;
  readonly #listener: LinkListener;
  readonly #waiting = new Set<(error: LashError) => void>();
  readonly #over = new AbortController();
  #ended: LashError | undefined;
  #stopPulse: (() => void) | undefined;

  constructor(calls: MessagePort, events: MessagePort, listener: LinkListener) {
    this.#calls = calls;
    this.#remote = wrap<RemoteCalls>(calls);
    this.#events = new EventReceiver(events, (items) => listener.deliver(items));
    this.#listener = listener;
  }

  /**
   * Watches `worker` and the lock that it holds. The request may wait through the back-forward cache: Chromium 156 takes the
   * page with it.
   */
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
   * @throws `NotData` for a request that is not plain data, `WorkerLost`, `WorkerUnresponsive`, `ClientClosed`, and what the
   *   worker threw.
   */
  async call<Name extends CallName>(name: Name, request: CallRequest<Name>): Promise<CallResult<Name>> {
    // Uploads and imports hold a Blob. Of anything else that cannot be sent, the caller is told here which value it was.
    const { blob: _bytes, ...data } = { blob: undefined, ...request };
    refuseNonData(data, '$', ` of ${name}`);
    if (this.#ended !== undefined) throw this.#ended;
    let giveUp: (error: LashError) => void = () => undefined;
    const ended = new Promise<never>((_resolve, reject) => (giveUp = reject));
    this.#waiting.add(giveUp);
    this.#stopPulse ??= watchPulse(() => this.#remote.ping(null), this.#silent);
    try {
      const answer = await Promise.race([ended, this.#remote[name](request)]);
      await Promise.race([ended, this.#events.seen(answer.seen)]);
      return unwrap(answer.outcome);
    } finally {
      this.#waiting.delete(giveUp);
      if (this.#waiting.size === 0) this.#endPulse();
    }
  }

  /** Ends the connection because the worker is gone. */
  lose(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#fail(new LashError('WorkerLost', `The worker ended: ${reason}`, {}));
  }

  /** Ends the connection: what waits, and every later call, is rejected with `error`. */
  end(error: LashError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#endPulse();
    this.#over.abort();
    this.#events.close();
    this.#calls.close();
    for (const giveUp of this.#waiting) giveUp(error);
  }

  #fail(error: LashError): void {
    this.end(error);
    this.#listener.lost(error);
  }

  #endPulse(): void {
    this.#stopPulse?.();
    this.#stopPulse = undefined;
  }

  readonly #silent = (): void => {
    // A worker that comes to itself again closes what this page had open in it.
    this.#remote.disconnect(null).catch(() => undefined);
    this.#fail(new LashError('WorkerUnresponsive', 'The worker does not answer', {}));
  };
}

/** Whether `error` says that there is no worker to talk to. */
export function isWithoutWorker(error: unknown): boolean {
  return isLashError(error, 'WorkerLost') || isLashError(error, 'WorkerUnresponsive');
}
