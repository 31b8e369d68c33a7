import { loadModule } from '../../contract/load-module.ts';
import { cancelled } from '../session-errors.ts';
import type { CallChildren, ChildCall, EndedTurn, SessionChildren } from './child-call.ts';
import type { ChildCalls } from './child-calls.ts';
import type { ChildHome } from './child-home.ts';
import type { ParentSession } from './parent-session.ts';

/** The child sessions of one session. Their engine is loaded with the first one. */
export class Children implements SessionChildren {
  readonly #parent: ParentSession;
  #home: ChildHome | undefined;

  constructor(parent: ParentSession) {
    this.#parent = parent;
  }

  of(call: ChildCall): CallChildren {
    let calls: Promise<ChildCalls> | undefined;
    let isOver = false;
    const load = async (): Promise<ChildCalls> =>
      await (calls ??= this.#load().then((home) => home.of(call)));
    const within = async (): Promise<ChildCalls> => {
      if (isOver) throw cancelled('the call that asks is over');
      return await load();
    };
    return {
      sessions: {
        open: async (request) => await (await within()).open(request),
        handOff: async (request) => await (await within()).handOff(request),
        delete: async (sessionId) => await (await within()).delete(sessionId),
        list: async (page) => await (await within()).list(page),
      },
      end: async () => {
        isOver = true;
        if (calls === undefined && !call.isAgain) return {};
        // Where the engine could not be loaded there is nothing to end.
        return await load().then(
          (it) => it.end(),
          () => ({}),
        );
      },
    };
  }

  async settle(ended: EndedTurn): Promise<void> {
    if (this.#home !== undefined || ended.isAgain) await (await this.#load()).settle(ended);
  }

  resumeTurns(): void {
    this.#home?.resumeTurns();
  }

  async closed(): Promise<void> {
    await this.#home?.closed();
  }

  async #load(): Promise<ChildHome> {
    const { ChildHome: Home } = await loadModule('child-home', import('./child-home.ts'));
    return (this.#home ??= new Home(this.#parent));
  }
}
