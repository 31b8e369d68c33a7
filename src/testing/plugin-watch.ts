import type { PluginState } from '../contract/plugin-state.ts';
import type { HookContext, Plugin, PluginHooks } from '../contract/plugin.ts';
import type { JsonValue } from '../core/json.ts';

/** A plugin as it was built for one session, and what was seen of it there. */
export interface WatchedBuild {
  readonly sessionId: string;
  readonly state: PluginState<unknown>;
  /** What it was built into, whatever that is, and how many milliseconds it took. */
  hooks: unknown;
  tookMs: number;
  /** The state that each turn found. */
  readonly found: JsonValue[];
  /** What its hooks failed with. */
  readonly failures: string[];
  disposals: number;
  /** What of the session it was asked, or used, after it was disposed of. */
  readonly late: string[];
}

type Hook = (...given: unknown[]) => unknown;

/** Looks at what a plugin is asked, and what it keeps, in each session that it is built for. */
export class PluginWatch {
  readonly builds: WatchedBuild[] = [];

  /** `plugin`, watched. */
  plugin(origin: Plugin): Plugin {
    const { hooks, ...rest } = origin;
    return {
      ...rest,
      build: (session) => {
        const { sessionId } = session;
        const seen: WatchedBuild = {
          sessionId,
          state: session.state,
          hooks: undefined,
          tookMs: 0,
          found: [],
          failures: [],
          disposals: 0,
          late: [],
        };
        this.builds.push(seen);
        const begin = performance.now();
        const made: unknown = origin.build?.({ ...session, state: watchedState(seen) }) ?? hooks ?? {};
        seen.hooks = made;
        seen.tookMs = performance.now() - begin;
        // What is none is the host's to refuse.
        return (isHooks(made) ? watchedHooks(made, seen) : made) as PluginHooks<unknown>;
      },
    };
  }

  /** The newest build for a session. @throws `Error` if there is none */
  of(sessionId: string): WatchedBuild {
    const build = this.builds.findLast((known) => known.sessionId === sessionId);
    if (build === undefined) throw new Error(`the plugin was not built for ${sessionId}`);
    return build;
  }
}

function watchedState(seen: WatchedBuild): PluginState<unknown> {
  return {
    get: () => {
      use(seen, 'state.get');
      return seen.state.get();
    },
    set: (value) => {
      use(seen, 'state.set');
      seen.state.set(value);
    },
  };
}

function watchedHooks(hooks: PluginHooks<unknown>, seen: WatchedBuild): PluginHooks<unknown> {
  const watched = (name: string, hook: Hook): Hook => {
    return (...given) => {
      use(seen, name);
      return call(name, () => Reflect.apply(hook, hooks, given), seen);
    };
  };
  const beforeTurn = (context: HookContext<unknown>): unknown => {
    seen.found.push(context.state.get() as JsonValue);
    return call('beforeTurn', () => hooks.beforeTurn?.(context), seen);
  };
  const dispose = (): void => {
    seen.disposals++;
    call('dispose', () => hooks.dispose?.(), seen);
  };
  return new Proxy(hooks, {
    get: (target, name) => {
      if (name === 'beforeTurn') return beforeTurn;
      if (name === 'dispose') return dispose;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? watched(String(name), member as Hook) : member;
    },
  });
}

function call(name: string, work: () => unknown, seen: WatchedBuild): unknown {
  const failed = (error: unknown): never => {
    seen.failures.push(`${name}: ${String(error)}`);
    throw error;
  };
  try {
    const answer = work();
    return answer instanceof Promise ? answer.catch(failed) : answer;
  } catch (error) {
    return failed(error);
  }
}

function use(seen: WatchedBuild, what: string): void {
  if (seen.disposals > 0) seen.late.push(what);
}

function isHooks(made: unknown): made is PluginHooks<unknown> {
  return typeof made === 'object' && made !== null && !('then' in made);
}
