import type { Clock } from '../../contract/clock.ts';
import type { SessionLease, SessionLeases, SessionNotice } from '../../contract/lease.ts';
import { loadModule } from '../../contract/load-module.ts';
import { isLashError, type LashError } from '../../core/error.ts';
import type { SessionWriter } from '../../core/event.ts';
import { sessionClosed } from '../session-errors.ts';

/** How long a lease is kept after the last write, in milliseconds: a person's next message finds it there. */
export const LINGER_MS = 5000;
/** After how long a writer that storage kept from writing tries again, in milliseconds. */
const RETRY_MS = 1000;
/** How often a writer elsewhere is checked to be alive, in milliseconds. */
const WATCH_MS = 500;

/** What a writer's seat stands on. */
export interface SeatParts {
  readonly sessionId: string;
  readonly leases: SessionLeases;
  readonly clock: Clock;
  readonly lingerMs: number;
  /** Makes this runtime's epoch the newest and its memory stand on the head; `gone` aborts when it may not any more. */
  prepare(gone: AbortSignal): Promise<void>;
  /** Rejects with `StorageBlocked` when storage does not answer. */
  probe(): Promise<unknown>;
  publish(notice: SessionNotice): void;
  /** Who writes has changed; `rests`: because this runtime gave the lease up for its page. */
  onWriter(writer: SessionWriter, rests: boolean): void;
  /** Another tab took the lease away. */
  onLost(): void;
  /** What a writer is told whose lease was taken away. */
  fenced(): LashError;
}

/** What the lease is wanted for: the turn `turnId`, or (`null`) a write that is soon over. */
export interface SeatUse {
  readonly turnId: string | null;
  /** Whether to take the lease from a writer that says it is busy. */
  readonly force?: boolean;
}

/** A lease that is held; `gone` aborts when it is not any more, with what whoever wanted to write is told. */
interface Held {
  readonly lease: SessionLease;
  readonly gone: AbortController;
}

/**
 * Who holds a session's lease in this runtime, from when to when.
 *
 * - WS1 Nothing is written to a history without the lease. Title, policy and maintenance do not need it.
 * - WS2 A lease that is free is taken. One that is held is asked for: its holder releases it, or says which turn keeps
 *   it (`SessionHeldElsewhere`). Whoever does not answer within `ANSWER_MS` has it taken away, frozen or not.
 * - WS3 The lease is about liveness only. Who writes raises the epoch before the first write if anyone else wrote
 *   since, so that a former holder fails closed whatever it still does (law ST3).
 * - WS4 It is not held while idle: it goes `lingerMs` after the last use, at once when it is wanted elsewhere or the
 *   page rests, and when the runtime closes.
 * - WS5 A running turn keeps it, and says so to whoever wants it; a short write is finished, and then it goes.
 * - WS6 Whoever lost it stops and leaves the running turn to whoever took it, and memory follows storage. One that is
 *   still preparing to write does not begin.
 * - WS7 A writer that storage keeps from writing (`StorageBlocked`) tells its caller and goes on trying, until it may
 *   write, storage says something else, the lease is lost or given up, or the runtime closes.
 * - WS8 A lease that is given up because the page rests is not looked at then: a page on its way into the back-forward
 *   cache is thrown out of it if its own worker asks who holds a lock (law WB2). Waking looks.
 */
export class WriterSeat {
  readonly #parts: SeatParts;
  #held: Held | null = null;
  #use: SeatUse | null = null;
  /** Why the lease is given up at the end of the present use, if it is. */
  #hurry: 'wanted' | 'rest' | null = null;
  #writer: SessionWriter = 'nobody';
  /** What goes on by itself ends with it: lingering, watching, trying again. One of them at a time. */
  #background = new AbortController();
  #releasing: Promise<void> = Promise.resolve();
  /** Of a blocked writer: the present attempt, or the last one (WS7). */
  #attempt: Promise<Held> | null = null;
  #closed = false;

  constructor(parts: SeatParts) {
    this.#parts = parts;
  }

  /** Whether this runtime holds the lease. */
  get held(): boolean {
    return this.#held !== null;
  }

  get writer(): SessionWriter {
    return this.#writer;
  }

  /**
   * Takes the lease and prepares to write; `leave` ends it, also where this rejects. One use at a time.
   *
   * @throws `SessionHeldElsewhere`, `WriterFenced` (taken away meanwhile), `StorageBlocked`, `SessionClosed`, and what
   *   `prepare` throws
   */
  async enter(use: SeatUse): Promise<void> {
    this.#use = use;
    const { gone } = await (this.#attempt ?? this.#begin(use.force === true));
    // Whatever storage said, the lease may have gone meanwhile.
    gone.signal.throwIfAborted();
    this.#tell('here');
  }

  /** The use is over: the lease lingers, or goes at once if it is wanted or no good. */
  leave(): void {
    const hurry = this.#hurry;
    this.#use = null;
    this.#hurry = null;
    if (this.#held === null) this.#watch();
    else if (hurry !== null) this.#letGo(hurry === 'rest');
    else if (this.#attempt === null) this.#settle();
  }

  /** Gives the lease up now, or as soon as its use is over (WS4), and does not look at it then (WS8). */
  rest(): void {
    if (this.#use === null) this.#letGo(true);
    else this.#hurry = 'rest';
  }

  /** Somebody else wants the lease (WS2, WS5). */
  answer(): void {
    if (this.#held === null) return;
    if (this.#use === null) this.#letGo();
    else if (this.#use.turnId === null) this.#hurry ??= 'wanted';
    else this.#parts.publish({ kind: 'busy', turnId: this.#use.turnId });
  }

  /** Looks who writes, where it is not this runtime. */
  async look(): Promise<void> {
    const { leases, sessionId } = this.#parts;
    if (this.#held !== null) return;
    const held = await leases.isHeld(sessionId);
    if (this.#held === null) this.#tell(held ? 'elsewhere' : 'nobody');
  }

  /** Gives the lease up for good; one that is still being asked for goes as soon as it is there. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#background.abort();
    this.#letGo();
    await this.#releasing;
  }

  async #begin(force: boolean): Promise<Held> {
    this.#background.abort();
    await this.#releasing;
    if (this.#closed) throw sessionClosed(this.#parts.sessionId);
    const { held, probe } = await this.#acquire(force);
    const attempt = this.#prepare(held);
    const both = Promise.all([attempt, probe]).then(() => held);
    try {
      return await both;
    } catch (error) {
      held.gone.signal.throwIfAborted();
      if (!isLashError(error, 'StorageBlocked')) throw error;
      this.#attempt = both;
      this.#keepTrying(held, attempt);
      throw error;
    }
  }

  /** The lease; and if it had to be asked for, what storage said meanwhile: both waits together are one. */
  async #acquire(force: boolean): Promise<{ readonly held: Held; readonly probe: Promise<unknown> }> {
    const { leases, sessionId } = this.#parts;
    if (this.#held !== null) return { held: this.#held, probe: Promise.resolve() };
    const free = await leases.acquire(sessionId);
    if (free !== null) return { held: this.#adopt(free), probe: Promise.resolve() };
    const probe = this.#parts.probe();
    probe.catch(() => undefined);
    const { contest } = await loadModule('lease-contest', import('./lease-contest.ts'));
    return { held: this.#adopt(await contest(this.#parts, force)), probe };
  }

  /** @throws `WriterFenced`, `SessionClosed` if it is gone already */
  #adopt(lease: SessionLease): Held {
    const held = { lease, gone: new AbortController() };
    this.#held = held;
    const onLost = (): void => {
      if (this.#held !== held) return;
      this.#drop(held, this.#parts.fenced());
      this.#tell('elsewhere');
      this.#parts.onLost();
    };
    if (lease.lost.aborted) onLost();
    else lease.lost.addEventListener('abort', onLost, { once: true });
    if (this.#closed) this.#letGo();
    held.gone.signal.throwIfAborted();
    return held;
  }

  async #prepare(held: Held): Promise<Held> {
    const { signal } = held.gone;
    try {
      await this.#parts.prepare(signal);
      return held;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  #letGo(rests = false): void {
    const held = this.#held;
    if (held === null) return;
    this.#drop(held, sessionClosed(this.#parts.sessionId));
    this.#releasing = held.lease.release().then(() => {
      this.#parts.publish({ kind: 'released' });
      this.#tell('nobody', rests);
    });
  }

  #drop({ gone }: Held, reason: LashError): void {
    this.#held = null;
    this.#attempt = null;
    this.#background.abort();
    gone.abort(reason);
  }

  /** Nobody uses the lease: it lingers, unless this runtime found that it cannot write. */
  #settle(): void {
    if (this.#writer === 'here') this.#linger();
    else this.#letGo();
  }

  #linger(): void {
    const { clock, lingerMs } = this.#parts;
    this.#inBackground(async (signal) => {
      await clock.sleep(lingerMs, signal);
      this.#letGo();
    });
  }

  /** A worker that ends says nothing; that its lease is free does. */
  #watch(): void {
    if (this.#writer !== 'elsewhere') return;
    this.#inBackground(async (signal) => {
      while (this.#writer === 'elsewhere') {
        await this.#parts.clock.sleep(WATCH_MS, signal);
        await this.look();
      }
    });
  }

  #keepTrying(held: Held, first: Promise<Held>): void {
    this.#tell('blocked');
    this.#inBackground(async (signal) => {
      for (let attempt = first; ;) {
        const error = await attempt.then(
          () => null,
          (reason: unknown) => reason,
        );
        if (held.gone.signal.aborted) return;
        if (error === null) this.#tell('here');
        if (!isLashError(error, 'StorageBlocked')) break;
        await this.#parts.clock.sleep(RETRY_MS, signal);
        attempt = this.#prepare(held);
        this.#attempt = attempt;
      }
      this.#attempt = null;
      if (this.#use === null) this.#settle();
    });
  }

  #tell(writer: SessionWriter, rests = false): void {
    if (writer === this.#writer) return;
    this.#writer = writer;
    this.#parts.onWriter(writer, rests);
    if (this.#use === null) this.#watch();
  }

  /** Runs `work` until it ends, or until something else is begun. */
  #inBackground(work: (signal: AbortSignal) => Promise<void>): void {
    this.#background.abort();
    if (this.#closed) return;
    const abort = new AbortController();
    this.#background = abort;
    work(abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted) throw error;
    });
  }
}
