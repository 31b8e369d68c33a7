import type { ChildSessions } from '../../contract/child-sessions.ts';
import { loadModule } from '../../contract/load-module.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { UsageEntry } from '../../core/usage.ts';
import type { ChildCalls } from './child-calls.ts';
import type { ChildEngine, ParentSession } from './child-engine.ts';

/** What within a turn asks for child sessions: a model call with its hooks, a tool call, the end of the turn. */
export interface ChildCall {
  readonly turnId: string;
  /** The same again when it is performed again, after a crash too. */
  readonly effect: string;
  /** The tool call that asks, where it is one. */
  readonly callId?: string;
  /** Where the turn is. */
  readonly leaf: string | null;
  readonly policy: SessionPolicy;
  /** Aborts with `Cancelled` when it is stopped, and with anything else when somebody else goes on with it. */
  readonly signal: AbortSignal;
}

/** What came of a call's children. */
export interface ChildReport {
  /** What they used, by source and model; absent where that is nothing. */
  readonly spent?: readonly UsageEntry[];
  /** The session that the call passed the conversation on to. */
  readonly successor?: string;
}

/** The child sessions of one call. */
export interface CallChildren {
  readonly sessions: ChildSessions;
  /** Stops and closes what is open of them, and resolves with what came of them all. */
  end(): Promise<ChildReport>;
}

/** The child sessions of one session. Their engine is loaded with the first one. */
export class Children {
  readonly #parent: ParentSession;
  #engine: ChildEngine | undefined;

  constructor(parent: ParentSession) {
    this.#parent = parent;
  }

  of(call: ChildCall): CallChildren {
    let calls: Promise<ChildCalls> | undefined;
    const load = async (): Promise<ChildCalls> => await (calls ??= this.#load().then((it) => it.of(call)));
    return {
      sessions: {
        open: async (request) => await (await load()).open(request),
        handOff: async (request) => await (await load()).handOff(request),
        list: async (page) => await (await this.#load()).list(page),
      },
      // Where the engine could not be loaded there is nothing to end.
      end: async () =>
        calls === undefined
          ? {}
          : await calls.then(
              async (it) => await it.end(),
              () => ({}),
            ),
    };
  }

  async #load(): Promise<ChildEngine> {
    const { ChildEngine: Engine } = await loadModule('child-sessions', import('./child-engine.ts'));
    return (this.#engine ??= new Engine(this.#parent));
  }
}
