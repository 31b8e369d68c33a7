import { systemClock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import { loadModule } from '../contract/load-module.ts';
import { LashError, toWireError } from '../core/error.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import type { OpenedSession, OpenSessionRequest, ResumeSessionRequest } from '../protocol/api.ts';
import type { EventSender } from '../protocol/event-channel.ts';
import type { RuntimeOptions } from '../runtime/runtime-options.ts';
import { LashRuntime } from '../runtime/runtime.ts';
import { OpenSession, sessionClosed } from './open-session.ts';
import { present } from './present.ts';

/** What every session of a connection is opened with. */
export type SessionResources = Pick<RuntimeOptions, 'providers' | 'tools' | 'secrets' | 'rates'>;

/**
 * The sessions that one page has open. Opening one that is open already gives the same one, and it closes when it was
 * closed as often as it was opened. What concerns one session id happens one after the other.
 */
export class SessionTable {
  readonly #resources: SessionResources;
  readonly #channel: EventSender;
  readonly #open = new Map<number, OpenSession>();
  readonly #queues = new Map<string, Promise<unknown>>();
  #numbers = 0;

  constructor(resources: SessionResources, channel: EventSender) {
    this.#resources = resources;
    this.#channel = channel;
  }

  /** @throws what `LashRuntime.open` throws; `SessionExists` for mode `create`, `SessionInUse` for `readOnly`, if it is open. */
  open(environment: RuntimeEnvironment, request: OpenSessionRequest): Promise<OpenedSession> {
    const sessionId = request.sessionId ?? systemClock.newId();
    return this.#inTurn(sessionId, async () => {
      const open = this.find(sessionId);
      const session =
        open === undefined
          ? this.#add(
              await LashRuntime.open(environment, { ...this.#resources, ...present(request), sessionId }),
            )
          : await share(open, request);
      return opened(session);
    });
  }

  /** Opens a parked session, or shares it if it is open already. @throws what `LashRuntime.resume` throws */
  resume(environment: RuntimeEnvironment, request: ResumeSessionRequest): Promise<OpenedSession> {
    const { parked, ...options } = request;
    const { sessionId } = parked;
    return this.#inTurn(sessionId, async () => {
      const open = this.find(sessionId);
      if (open === undefined) {
        const resources = { ...this.#resources, ...present(options) };
        return opened(this.#add(await LashRuntime.resume(parked, environment, resources)));
      }
      const { resumeParked } = await loadModule('parking', import('../runtime/parking.ts'));
      const session = await resumeParked(parked, environment, async (_sessionId, check) => {
        await open.runtime.maintain(check);
        return await share(open, { mode: 'open' });
      });
      return opened(session);
    });
  }

  /** Parks a session and closes it. @throws `SessionInUse` if it was opened more than once here, `TurnRunning` */
  park(number: number): Promise<ParkedSession> {
    const session = this.get(number);
    const { sessionId } = session.runtime;
    return this.#inTurn(sessionId, async () => {
      if (session.holders > 1) {
        throw new LashError('SessionInUse', `The session ${sessionId} is open more than once here`, {
          sessionId,
        });
      }
      const parked = await session.runtime.park();
      await this.#end(session);
      return parked;
    });
  }

  /** Tells every session that the page was away, or is about to be. */
  async pageShown(shown: boolean): Promise<void> {
    const runtimes = Array.from(this.#open.values(), (session) => session.runtime);
    if (!shown) for (const runtime of runtimes) runtime.rest();
    else {
      await Promise.all(runtimes.map((runtime) => runtime.wake()));
      this.resumeTurns();
    }
  }

  /** Tells every session that something was brought which turns may wait for. */
  resumeTurns(): void {
    for (const { runtime } of this.#open.values()) runtime.resumeTurns(false);
  }

  /** The open session of this number. @throws `SessionClosed` */
  get(number: number): OpenSession {
    const session = this.#open.get(number);
    if (session === undefined) throw sessionClosed(`number ${number}`);
    return session;
  }

  /** The open session of this id, if it is open here. */
  find(sessionId: string): OpenSession | undefined {
    for (const session of this.#open.values()) if (session.runtime.sessionId === sessionId) return session;
    return undefined;
  }

  /** Takes back one `open`. */
  release(number: number): Promise<void> {
    const session = this.get(number);
    return this.#inTurn(session.runtime.sessionId, async () => {
      if (session.holders > 1) session.holders -= 1;
      else if (this.#open.has(number)) await this.#end(session);
    });
  }

  /** Closes the session if it is open, deletes it with its children, and tells the page that it is gone for good. */
  delete(environment: RuntimeEnvironment, sessionId: string): Promise<void> {
    return this.#inTurn(sessionId, async () => {
      const { deleteSessions } = await loadModule('delete-sessions', import('../runtime/delete-sessions.ts'));
      const session = this.find(sessionId);
      if (session !== undefined) await session.close();
      try {
        await deleteSessions(environment, sessionId);
      } catch (error) {
        if (session !== undefined) this.#forget(session);
        throw error;
      }
      const gone = new LashError('SessionDeleted', `The session ${sessionId} was deleted`, { sessionId });
      if (session !== undefined) this.#forget(session, gone);
    });
  }

  /** Closes every session, whoever holds it, those included that are being opened. */
  async closeAll(): Promise<void> {
    await Promise.all(this.#queues.values());
    await Promise.all(
      Array.from(this.#open.values(), (session) =>
        this.#inTurn(session.runtime.sessionId, async () => {
          if (this.#open.has(session.number)) await this.#end(session);
        }),
      ),
    );
  }

  #add(runtime: LashRuntime): OpenSession {
    this.#numbers += 1;
    const session = new OpenSession(this.#numbers, runtime, this.#channel);
    this.#open.set(session.number, session);
    return session;
  }

  async #end(session: OpenSession): Promise<void> {
    try {
      await session.close();
    } finally {
      this.#forget(session);
    }
  }

  #forget(session: OpenSession, error?: LashError): void {
    this.#open.delete(session.number);
    this.#channel.push({
      kind: 'closed',
      session: session.number,
      ...(error === undefined ? {} : { error: toWireError(error) }),
    });
  }

  #inTurn<T>(sessionId: string, task: () => Promise<T>): Promise<T> {
    const run = (this.#queues.get(sessionId) ?? Promise.resolve()).then(task);
    // Whoever comes next only waits; how `run` ended is the caller's to hear.
    const ended = run.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(sessionId, ended);
    void ended.then(() => {
      if (this.#queues.get(sessionId) === ended) this.#queues.delete(sessionId);
    });
    return run;
  }
}

function opened({ number: session, runtime: { sessionId, policy } }: OpenSession): OpenedSession {
  return { session, sessionId, policy };
}

async function share(session: OpenSession, { mode, policy }: OpenSessionRequest): Promise<OpenSession> {
  const { sessionId } = session.runtime;
  if (mode === 'create') {
    throw new LashError('SessionExists', `There is a session ${sessionId} already`, { sessionId });
  }
  const { readOnly } = session.runtime;
  if ((mode === 'readOnly') !== readOnly) {
    const how = readOnly ? 'to read only' : 'for writing';
    throw new LashError('SessionInUse', `The session ${sessionId} is open ${how} here`, { sessionId });
  }
  if (policy !== undefined) await session.runtime.setPolicy(policy);
  session.holders += 1;
  return session;
}
