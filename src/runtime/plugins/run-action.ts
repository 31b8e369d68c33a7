import type { ActionContext, PluginAction } from '../../contract/plugin.ts';
import { LashError } from '../../core/error.ts';
import type { JsonValue } from '../../core/json.ts';
import { findNonJson } from '../../core/json.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { ActionRequest } from '../../core/plugin-action.ts';
import type { SessionParts } from '../model/model-caller.ts';
import type { BuiltPlugin } from './built-plugin.ts';
import { callHook, hookInvalid, readAnswer } from './call-hook.ts';
import type { PluginSession } from './plugin-session.ts';
import { stateDuring } from './state-during.ts';

/** Writes to the history under the lease, when no turn runs. */
type Write = <T>(change: () => Promise<T>) => Promise<T>;

/** @throws what `LashRuntime.runAction` says */
export async function runAction(
  parts: SessionParts,
  request: ActionRequest,
  write: Write,
): Promise<JsonValue> {
  const { plugin: id, action: name, args = null } = request;
  const { plugins, secrets, history } = parts;
  const built = plugins?.find(id);
  const actions = built?.hooks.actions ?? {};
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (plugins === null || built === undefined || action === undefined) {
    const message = `No plugin ${id} with an action ${name} is here`;
    throw new LashError('PluginActionNotFound', message, { plugin: id, action: name });
  }
  refuseNonData(args, 'args');
  const run = async (): Promise<JsonValue> =>
    await answerOf(parts, plugins.closing, built, action, name, structuredClone(args));
  if (action.writes === true) return await write(async () => await runWriting(parts, plugins, run));
  try {
    await plugins.stand(history.head);
    return await run();
  } catch (error) {
    throw secrets.redactError(error);
  }
}

/** Runs an action and stores what it changed, or, where it fails, nothing. */
async function runWriting(
  { clock, history }: SessionParts,
  plugins: PluginSession,
  run: () => Promise<JsonValue>,
): Promise<JsonValue> {
  const states = await plugins.begin(history.head);
  try {
    const answer = await run();
    const pending = await states.checkpoint();
    if (pending === undefined) return answer;
    const { leaf } = history.head;
    if (leaf === null) {
      const reason = 'is needed for what a plugin keeps: nothing was said yet';
      throw new LashError('InvalidInput', `A node ${reason}`, { path: 'leaf', reason });
    }
    const { change: checkpoint } = pending;
    await history.append({ operationId: clock.newId(), parent: leaf, nodes: [], usage: [], checkpoint });
    pending.committed();
    states.moved(history.head.leaf === leaf ? history.head : null);
    return answer;
  } finally {
    states.end();
    plugins.show();
  }
}

async function answerOf(
  { history, clock, secrets, tasks }: SessionParts,
  signal: AbortSignal,
  { plugin, state, gate }: BuiltPlugin,
  action: PluginAction<unknown>,
  name: string,
  args: JsonValue,
): Promise<JsonValue> {
  const call = {
    plugin: plugin.id,
    hook: `actions.${name}`,
    timeoutMs: plugin.timeoutMs,
    clock,
    signal,
    gate: action.writes === true ? gate : undefined,
  };
  const answer = await callHook(call, (time) => {
    const context: ActionContext<unknown> = {
      sessionId: history.sessionId,
      tasks,
      state: stateDuring(plugin.id, state, () => action.writes === true && !time.isOver),
      get signal() {
        return time.signal;
      },
    };
    return action.run(args, context);
  });
  return readAnswer(call, () => {
    const value = answer ?? null;
    if (findNonJson(value) !== undefined) throw hookInvalid(call, 'data');
    return secrets.redactJson(structuredClone(value));
  });
}
