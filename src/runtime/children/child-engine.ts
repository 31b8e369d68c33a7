import type { ChildRequest, HandOffRequest } from '../../contract/child-sessions.ts';
import { sha256Of } from '../../contract/digest.ts';
import { mergeTraceContext } from '../../contract/trace.ts';
import { isLashError, LashError } from '../../core/error.ts';
import type { Page, SessionPolicy, SessionSummary } from '../../core/policy.ts';
import type { SessionParent } from '../../core/session-parent.ts';
import { checkPolicy } from '../policy-check.ts';
import type { ChildCall } from './child-call.ts';
import type { ChildRuntime } from './child-runtime.ts';
import { createChild, type NewChild } from './create-child.ts';
import type { ParentSession } from './parent-session.ts';

/** How often a session is named anew whose name was used up: it was deleted, or its making was interrupted. */
const MAX_NAMES = 16;

/** Makes and opens the child sessions of one session (rules CH1 to CH5). */
export class ChildEngine {
  readonly parent: ParentSession;
  /** Those that are open, or are being opened: each by its call and key. */
  readonly #open = new Set<string>();

  constructor(parent: ParentSession) {
    this.parent = parent;
  }

  async list(page: { readonly after?: string; readonly limit?: number } = {}): Promise<Page<SessionSummary>> {
    const { environment, meta } = this.parent;
    return await environment.sessionStoreFactory.list({ ...page, parent: meta.sessionId });
  }

  /**
   * Opens the child of this call and key; `release` is called once it is closed.
   *
   * @throws `ChildLimitReached`, `InvalidInput`, and what opening throws
   */
  async open(
    call: ChildCall,
    request: ChildRequest,
  ): Promise<{ runtime: ChildRuntime; release: () => void }> {
    const { meta, environment } = this.parent;
    const { childDepth, openChildren } = environment.limits;
    const depth = (meta.parent?.depth ?? 0) + 1;
    if (depth > childDepth) throw limitReached(meta.sessionId, 'depth', childDepth);
    if (this.#open.size >= openChildren) throw limitReached(meta.sessionId, 'open', openChildren);
    const place = placeOf(call, request.key);
    const release = (): void => void this.#open.delete(place);
    this.#open.add(place);
    try {
      const { source = 'child', tools = [], title = '', start = { kind: 'empty' } } = request;
      const parent: SessionParent = { sessionId: meta.sessionId, relation: 'child', source, depth };
      const policy = this.#policy(call, { ...request.policy, tools });
      const runtime = await this.#named(call, request.key, async (sessionId) => {
        const found = await this.#find(call, sessionId, source);
        if (found !== null) return found;
        await createChild(this.parent, call, { sessionId, title, policy, parent, start });
        return await this.#openStored(call, sessionId, source);
      });
      return { runtime, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Makes the session that goes on in place of this one, with its first input in its queue. Resolves with its id. */
  async handOff(call: ChildCall, request: HandOffRequest): Promise<string> {
    const { meta, environment } = this.parent;
    const { title = meta.title, start = { kind: 'empty' }, input } = request;
    const depth = meta.parent?.depth ?? 0;
    const parent: SessionParent = {
      sessionId: meta.sessionId,
      relation: 'handoff',
      source: 'handoff',
      depth,
    };
    const policy = this.#policy(call, request.policy ?? {});
    return await this.#named(call, 'successor', async (sessionId) => {
      if (await this.#exists(sessionId)) return sessionId;
      const successor: NewChild = { sessionId, title, policy, parent, start, firstInput: input };
      await createChild(this.parent, call, successor);
      environment.sessionStoreFactory.leases.publish(sessionId, { kind: 'turns-changed' });
      return sessionId;
    });
  }

  #policy({ policy }: ChildCall, changes: Partial<SessionPolicy>): SessionPolicy {
    return this.parent.secrets.redactJson(checkPolicy({ ...policy, ...changes }));
  }

  /** Does `work` with the id that call and key give; with the next one where that is used up. */
  async #named<T>(call: ChildCall, key: string, work: (sessionId: string) => Promise<T>): Promise<T> {
    for (let name = 0; ; name++) {
      try {
        return await work(await idOf(this.parent.meta.sessionId, call, key, name));
      } catch (error) {
        const isUsedUp = isLashError(error, 'SessionDeleted') || isLashError(error, 'SessionExists');
        if (!isUsedUp || name + 1 >= MAX_NAMES) throw error;
      }
    }
  }

  async #exists(sessionId: string): Promise<boolean> {
    try {
      const store = await this.parent.environment.sessionStoreFactory.open(sessionId, { kind: 'open' });
      await store.close();
      return true;
    } catch (error) {
      if (isLashError(error, 'SessionNotFound')) return false;
      throw error;
    }
  }

  async #find(call: ChildCall, sessionId: string, source: string): Promise<ChildRuntime | null> {
    try {
      return await this.#openStored(call, sessionId, source);
    } catch (error) {
      if (isLashError(error, 'SessionNotFound')) return null;
      throw error;
    }
  }

  async #openStored({ callId }: ChildCall, sessionId: string, source: string): Promise<ChildRuntime> {
    const { environment, options, meta, secrets, clock, open } = this.parent;
    const { providers, tools, rates, online } = options;
    const traceContext = mergeTraceContext(environment.traceContext, {
      ...(callId === undefined ? {} : { originating_tool_call_id: callId }),
      metadata: { parent_session_id: meta.sessionId, source },
    });
    return await open(
      { ...environment, traceContext },
      {
        sessionId,
        secrets,
        clock,
        ...(providers === undefined ? {} : { providers }),
        ...(tools === undefined ? {} : { tools }),
        ...(rates === undefined ? {} : { rates }),
        ...(online === undefined ? {} : { online }),
      },
    );
  }
}

function placeOf({ turnId, effect }: ChildCall, key: string): string {
  return JSON.stringify([turnId, effect, key]);
}

/** The same for the same call and key, whoever asks, and when (rule CH1). */
async function idOf(sessionId: string, call: ChildCall, key: string, name: number): Promise<string> {
  const place = JSON.stringify([sessionId, placeOf(call, key), name]);
  return `child-${(await sha256Of(new TextEncoder().encode(place))).slice(0, 40)}`;
}

function limitReached(
  sessionId: string,
  limit: 'depth' | 'open',
  max: number,
): LashError<'ChildLimitReached'> {
  const what = limit === 'depth' ? `at most ${max} deep` : `at most ${max} of one session open at a time`;
  return new LashError('ChildLimitReached', `Child sessions may be ${what}`, { sessionId, limit, max });
}
