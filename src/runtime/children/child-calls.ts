import type { ChildRequest, ChildSession, HandOffRequest } from '../../contract/child-sessions.ts';
import { LashError, reasonText } from '../../core/error.ts';
import { utf8Length } from '../../core/json.ts';
import type { Page, SessionSummary } from '../../core/policy.ts';
import { addToLedger, type UsageEntry } from '../../core/usage.ts';
import type { ChildCall, ChildReport } from './child-call.ts';
import type { ChildEngine } from './child-engine.ts';
import type { HandOffs } from './hand-offs.ts';
import type { LeftChildren } from './left-children.ts';
import { isLeft, OpenChild } from './open-child.ts';

/** What the calls of one session have in common. */
interface CallsHost {
  readonly engine: ChildEngine;
  readonly handOffs: HandOffs;
  readonly left: LeftChildren;
}

/** The child sessions that one call opens, and what they use. */
export class ChildCalls {
  readonly #host: CallsHost;
  readonly #call: ChildCall;
  /** Those that are open, by key. */
  readonly #children = new Map<string, Promise<OpenChild>>();
  /** What those used that are closed, by session. */
  readonly #spent = new Map<string, readonly UsageEntry[]>();
  readonly #handingOff = new Set<Promise<unknown>>();
  #successor: string | undefined;

  constructor(host: CallsHost, call: ChildCall) {
    this.#host = host;
    this.#call = call;
  }

  /** Opens a child; the same key is the same one (rule CH1). */
  async open(request: ChildRequest): Promise<ChildSession> {
    checkKey(request.key);
    this.#call.signal.throwIfAborted();
    const forget = (): void => this.#forget(request.key, child);
    const child = this.#found(this.#children.get(request.key), request, forget);
    this.#children.set(request.key, child);
    try {
      return await child;
    } catch (error) {
      // Whoever could not open it may try again.
      forget();
      throw error;
    }
  }

  async list(page?: { readonly after?: string; readonly limit?: number }): Promise<Page<SessionSummary>> {
    return await this.#host.engine.list(page);
  }

  async delete(sessionId: string): Promise<void> {
    await this.#host.engine.delete(sessionId);
  }

  async handOff(request: HandOffRequest): Promise<string> {
    this.#call.signal.throwIfAborted();
    if (!this.#call.mayHandOff) throw noHandOff('outside of a tool call');
    // Whoever asked a child would be left without its answer (rule CH6).
    if (this.#host.engine.parent.meta.parent?.relation === 'child') throw noHandOff('within a child session');
    const handing = this.#host.handOffs.make(this.#call, request);
    this.#handingOff.add(handing);
    return (this.#successor = await handing);
  }

  /** Stops and closes what is open, and resolves with what came of all (rule CH3). */
  async end(): Promise<ChildReport> {
    await Promise.allSettled(this.#handingOff);
    const ended = await Promise.allSettled(
      Array.from(this.#children.values(), async (child) => await this.#end(child)),
    );
    if (isLeft(this.#call)) return {};
    const failed = ended.find(({ status }) => status === 'rejected');
    // What could not be stopped is left, with the turn, to whoever goes on with it.
    if (failed?.status === 'rejected') throw failed.reason;
    if (this.#call.isAgain) await this.#endLeft();
    const spent = addToLedger([], [...this.#spent.values()].flat());
    return {
      ...(spent.length === 0 ? {} : { spent }),
      ...(this.#successor === undefined ? {} : { successor: this.#successor }),
    };
  }

  async #end(child: Promise<OpenChild>): Promise<void> {
    const open = await child.catch(() => null);
    try {
      await open?.close();
    } catch (error) {
      // That it is closed all the same is what counts here.
      if (open?.isStopped === false) throw error;
    }
  }

  /** What an earlier performance asked for, and this one did not, ends with it all the same, and counts. */
  async #endLeft(): Promise<void> {
    const { left } = this.#host;
    for (const child of await left.of(this.#call))
      if (!this.#spent.has(child.sessionId))
        this.#spent.set(child.sessionId, await left.end(this.#call, child));
  }

  async #found(
    known: Promise<OpenChild> | undefined,
    request: ChildRequest,
    forget: () => void,
  ): Promise<OpenChild> {
    const open = await known?.catch(() => null);
    if (open?.isClosing === false) return open;
    const { engine } = this.#host;
    const { runtime, release } = await engine.open(this.#call, request);
    const stopped = (spent: readonly UsageEntry[]): void => {
      this.#spent.set(runtime.sessionId, spent);
      forget();
    };
    return new OpenChild({ engine, call: this.#call, request, runtime, stopped, release });
  }

  #forget(key: string, child: Promise<OpenChild>): void {
    if (this.#children.get(key) === child) this.#children.delete(key);
  }
}

function noHandOff(where: string): LashError<'Unsupported'> {
  const feature = `handing the conversation on ${where}`;
  return new LashError('Unsupported', `There is no ${feature}`, { feature });
}

function checkKey(key: unknown): void {
  if (typeof key === 'string' && key !== '' && utf8Length(key) <= 64) return;
  const reason = `must have 1 to 64 bytes, and is ${reasonText(key)}`;
  throw new LashError('InvalidInput', `The key of a child session ${reason}`, { path: 'key', reason });
}
