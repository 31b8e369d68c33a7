import type { JsonValue } from '../core/json.ts';

/** What a plugin's state is checked with; every schema of `zod` and `zod/mini` is one. */
export interface StateSchema<State> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: State }
    | { readonly success: false; readonly error: { readonly issues: readonly StateIssue[] } };
}

/** What does not fit, and where. */
export interface StateIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * What a plugin keeps of a session: JSON data of at most 64 KiB.
 *
 * - PS1 It belongs to the branch: a turn finds what held at the node that it continues from, and `initial` where nothing did.
 *   A session that begins with the path of another one begins with what held where that ends.
 * - PS2 A change is stored with the outcome of what it was made in, recorded or committed: what was told is never without it
 *   (law TU4). What is asked again after a crash is asked with what was recorded by then, which may hold a change of its own
 *   that was recorded with something else. So a change should say what is, and not count.
 * - PS3 What was written by another version goes through `migrate`, and what comes of that is checked as any other. Without
 *   `migrate`, or where the check fails, it is refused (`PluginStateRefused`): nothing is dropped, and no turn begins.
 * - PS4 The state of a plugin that a host does not have stays stored, as it is. A host without any plugins does not go on with
 *   a turn that changed one (`PluginStateRefused`); the turn can be stopped.
 */
export interface StateDefinition<State> {
  readonly schema: StateSchema<State>;
  readonly initial: State;
  /** Whether pages see it, as `view.plugins[id]`, as it is stored. Default: no. */
  readonly shown?: boolean;
  /** Makes the state of this version out of one of `version`. */
  migrate?(body: JsonValue, version: number): JsonValue;
}

/** A plugin's state in one session, as it is now. A plugin that declares none has the state `null`. */
export interface PluginState<State> {
  /** Frozen. */
  get(): State;
  /**
   * Changes it: in a hook of a turn, in a tool of the plugin, or in an action that writes, until that has answered. The one that
   * `build` is given changes while any of them is under way.
   *
   * @throws `PluginStateReadOnly` outside of one, `InvalidInput` for what the schema refuses or is longer than 64 KiB,
   *   `NotData` for what is no JSON
   */
  set(state: State): void;
}
