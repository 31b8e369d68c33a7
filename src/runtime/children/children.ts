import { loadModule } from '../../contract/load-module.ts';
import type { CallChildren, ChildCall, SessionChildren } from './child-call.ts';
import type { ChildCalls } from './child-calls.ts';
import type { ChildEngine } from './child-engine.ts';
import type { ParentSession } from './parent-session.ts';

/** The child sessions of one session. Their engine is loaded with the first one. */
export class Children implements SessionChildren {
  readonly #parent: ParentSession;
  #engine: ChildEngine | undefined;

  constructor(parent: ParentSession) {
    this.#parent = parent;
  }

  of(call: ChildCall): CallChildren {
    let calls: Promise<ChildCalls> | undefined;
    const load = async (): Promise<ChildCalls> => await (calls ??= this.#load(call));
    return {
      sessions: {
        open: async (request) => await (await load()).open(request),
        handOff: async (request) => await (await load()).handOff(request),
        list: async (page) => await (await load()).list(page),
      },
      // Where the engine could not be loaded there is nothing to end.
      end: async () =>
        calls === undefined
          ? {}
          : await calls.then(
              (it) => it.end(),
              () => ({}),
            ),
    };
  }

  async #load(call: ChildCall): Promise<ChildCalls> {
    const [{ ChildEngine: Engine }, { ChildCalls: Calls }] = await Promise.all([
      loadModule('child-engine', import('./child-engine.ts')),
      loadModule('child-calls', import('./child-calls.ts')),
    ]);
    return new Calls((this.#engine ??= new Engine(this.#parent)), call);
  }
}
