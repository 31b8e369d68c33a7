import type { ChildRequest } from '../../contract/child-sessions.ts';
import { PluginHost } from '../../contract/plugin-host.ts';
import { mergeTraceContext } from '../../contract/trace.ts';
import { isLashError, LashError } from '../../core/error.ts';
import type { Page, SessionPolicy, SessionSummary } from '../../core/policy.ts';
import type { SessionParent } from '../../core/session-parent.ts';
import { Deferred } from '../deferred.ts';
import { deleteSessions } from '../delete-sessions.ts';
import { checkPolicy } from '../policy-check.ts';
import type { ChildCall } from './child-call.ts';
import { childPrefix, nameOf } from './child-names.ts';
import type { ChildRuntime } from './child-runtime.ts';
import { createChild, type NewChild } from './create-child.ts';
import type { ParentSession } from './parent-session.ts';

/** How often a session is named anew whose name was used up: it was deleted, or its making was interrupted. */
const MAX_NAMES = 16;

/** A child that is open, or is being opened. */
interface Opening {
  readonly closed: Deferred<void>;
  runtime: ChildRuntime | null;
}

/** Makes and opens the child sessions of one session (rules CH1 to CH6). */
export class ChildEngine {
  readonly parent: ParentSession;
  /** Those that are open, or are being opened, by call and key. */
  readonly #open = new Map<string, Opening>();

  constructor(parent: ParentSession) {
    this.parent = parent;
  }

  async list(page: { readonly after?: string; readonly limit?: number } = {}): Promise<Page<SessionSummary>> {
    const { environment, meta } = this.parent;
    return await environment.sessionStoreFactory.list({ ...page, parent: meta.sessionId });
  }

  /** Every session that names this one as its parent. */
  async *all(): AsyncGenerator<SessionSummary, void, undefined> {
    let after: string | undefined;
    do {
      const page = await this.list(after === undefined ? {} : { after });
      yield* page.items;
      after = page.next ?? undefined;
    } while (after !== undefined);
  }

  /** Deletes a child that is stored. @throws `SessionNotFound` for what is none of this session, and what opening throws */
  async delete(sessionId: string): Promise<void> {
    const { environment, meta } = this.parent;
    const store = await environment.sessionStoreFactory.open(sessionId, { kind: 'open' });
    const { parent } = await store.loadSessionMeta().finally(async () => await store.close());
    if (parent?.relation !== 'child' || parent.sessionId !== meta.sessionId)
      throw new LashError('SessionNotFound', `There is no child session ${sessionId}`, { sessionId });
    await deleteSessions(environment, sessionId);
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
    const place = JSON.stringify([call.turnId, call.effect, request.key]);
    // Whoever had it before may not be done with it yet.
    for (let open = this.#open.get(place); open !== undefined; open = this.#open.get(place))
      await open.closed.promise;
    if (this.#open.size >= openChildren) throw limitReached(meta.sessionId, 'open', openChildren);
    const opening: Opening = { closed: new Deferred(), runtime: null };
    const release = (): void => {
      this.#open.delete(place);
      opening.closed.resolve();
    };
    this.#open.set(place, opening);
    try {
      opening.runtime = await this.#openOrMake(call, request, depth);
      return { runtime: opening.runtime, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Opens a child that is stored: where somebody has it open here, beside them, as another tab would (rule CH1).
   *
   * @throws what opening throws
   */
  async openStored(
    { callId }: Pick<ChildCall, 'callId'>,
    sessionId: string,
    source: string,
    unfinishedTurns: 'go-on' | 'ask' = 'go-on',
  ): Promise<ChildRuntime> {
    const { environment, options, meta, secrets, clock, open } = this.parent;
    const { providers, tools, rates, online } = options;
    // That of the call which asked for this session says nothing of its children.
    const { originating_tool_call_id: _, ...outer } = environment.traceContext;
    const traceContext = mergeTraceContext(outer, {
      ...(callId === undefined ? {} : { originating_tool_call_id: callId }),
      metadata: { parent_session_id: meta.sessionId, source },
    });
    const child = {
      sessionId,
      secrets,
      clock,
      unfinishedTurns,
      ...(providers === undefined ? {} : { providers }),
      ...(tools === undefined ? {} : { tools }),
      ...(rates === undefined ? {} : { rates }),
      ...(online === undefined ? {} : { online }),
    };
    try {
      return await open({ ...environment, traceContext }, child);
    } catch (error) {
      if (!isLashError(error, 'SessionInUse')) throw error;
      const pluginHost = hostBeside(environment.pluginHost);
      return await open({ ...environment, traceContext, pluginHost }, child);
    }
  }

  /**
   * Makes a session whose id begins with `prefix`, unless it is there: `find` gives what is there. The next name is tried where
   * one is used up.
   */
  async make<T>(
    { prefix, key }: { readonly prefix: string; readonly key: string },
    find: (sessionId: string) => Promise<T>,
    create: (sessionId: string) => Promise<void>,
  ): Promise<T> {
    for (let name = 0; ; name++) {
      const sessionId = await nameOf(prefix, key, name);
      try {
        return await this.#findOrCreate(sessionId, find, create);
      } catch (error) {
        const isUsedUp = isLashError(error, 'SessionDeleted') || isLashError(error, 'SessionExists');
        if (!isUsedUp || error.data.sessionId !== sessionId || name + 1 >= MAX_NAMES) throw error;
      }
    }
  }

  /** Makes a session of this parent. @throws as {@link createChild}, and `SessionDeleted` where the parent was deleted meanwhile */
  async create(call: ChildCall, child: NewChild): Promise<void> {
    const { environment, meta } = this.parent;
    const { sessionStoreFactory: factory } = environment;
    await createChild(this.parent, call, child);
    try {
      // Whoever deletes the parent looks for its children once more behind that (rule CH5).
      await (await factory.open(meta.sessionId, { kind: 'open' })).close();
    } catch (error) {
      if (isLashError(error, 'SessionDeleted')) await factory.delete(child.sessionId);
      throw error;
    }
  }

  policy({ policy }: ChildCall, changes: Partial<SessionPolicy>): SessionPolicy {
    return this.parent.secrets.redactJson(checkPolicy({ ...policy, ...changes }));
  }

  resumeTurns(): void {
    for (const { runtime } of this.#open.values()) runtime?.resumeTurns(false);
  }

  async closed(): Promise<void> {
    await Promise.all(Array.from(this.#open.values(), async ({ closed }) => await closed.promise));
  }

  async #openOrMake(call: ChildCall, request: ChildRequest, depth: number): Promise<ChildRuntime> {
    const { key, source = 'child', tools = [], title = '', start = { kind: 'empty' } } = request;
    const { sessionId: parentId } = this.parent.meta;
    const parent: SessionParent = { sessionId: parentId, relation: 'child', source, depth };
    const policy = this.policy(call, { ...request.policy, tools });
    return await this.make(
      { prefix: await childPrefix(parentId, call), key },
      async (sessionId) => await this.openStored(call, sessionId, source),
      async (sessionId) => await this.create(call, { sessionId, title, policy, parent, start }),
    );
  }

  async #findOrCreate<T>(
    sessionId: string,
    find: (sessionId: string) => Promise<T>,
    create: (sessionId: string) => Promise<void>,
  ): Promise<T> {
    const found = await unlessMissing(async () => await find(sessionId));
    if (found !== null) return found.value;
    try {
      await create(sessionId);
    } catch (error) {
      if (!isLashError(error, 'SessionExists')) throw error;
      // Another tab has made it, or only begun to.
      const made = await unlessMissing(async () => await find(sessionId));
      if (made === null) throw error;
      return made.value;
    }
    return await find(sessionId);
  }
}

/** A host of the same plugins, with a register of its own (rule PH1). */
function hostBeside({ plugins, backgroundTasksAvailable }: PluginHost): PluginHost {
  const host = new PluginHost(plugins);
  return backgroundTasksAvailable ? host.withBackgroundTasks() : host;
}

/** What `find` gives, or `null` where there is no such session. */
async function unlessMissing<T>(find: () => Promise<T>): Promise<{ readonly value: T } | null> {
  try {
    return { value: await find() };
  } catch (error) {
    if (isLashError(error, 'SessionNotFound')) return null;
    throw error;
  }
}

function limitReached(
  sessionId: string,
  limit: 'depth' | 'open',
  max: number,
): LashError<'ChildLimitReached'> {
  const what = limit === 'depth' ? `at most ${max} deep` : `at most ${max} of one session open at a time`;
  return new LashError('ChildLimitReached', `Child sessions may be ${what}`, { sessionId, limit, max });
}
