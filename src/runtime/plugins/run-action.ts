import type { ActionContext, PluginAction } from '../../contract/plugin.ts';
import { LashError } from '../../core/error.ts';
import type { JsonValue } from '../../core/json.ts';
import { findNonJson } from '../../core/json.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { ActionRequest } from '../../core/plugin-action.ts';
import type { History } from '../history/history.ts';
import type { SessionParts } from '../model/model-caller.ts';
import type { BuiltPlugin } from './built-plugin.ts';
import { callHook, hookInvalid } from './call-hook.ts';
import type { PluginSession } from './plugin-session.ts';

/** Writes to the history under the lease, when no turn runs. */
type Write = <T>(change: (history: History) => Promise<T>) => Promise<T>;

/** @throws what `LashRuntime.runAction` says */
export async function runAction(
  parts: SessionParts,
  request: ActionRequest,
  write: Write,
): Promise<JsonValue> {
  const { plugin: id, action: name, args = null } = request;
  const { plugins } = parts;
  const built = plugins?.find(id);
  const action = built?.hooks.actions?.[name];
  if (plugins === null || built === undefined || action === undefined) {
    const message = `No plugin ${id} with an action ${name} is here`;
    throw new LashError('PluginActionNotFound', message, { plugin: id, action: name });
  }
  refuseNonData(args, 'args');
  const run = async (): Promise<JsonValue> =>
    await answerOf(parts, built, action, name, structuredClone(args));
  if (action.writes !== true) {
    await plugins.stand(parts.history.head);
    return await run();
  }
  return await write(async (history) => await runWriting(parts, plugins, history, run));
}

/** Runs an action and stores what it changed, or, where it fails, nothing. */
async function runWriting(
  { clock }: SessionParts,
  { states, stand, show }: PluginSession,
  history: History,
  run: () => Promise<JsonValue>,
): Promise<JsonValue> {
  await stand(history.head);
  states.open();
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
    show();
  }
}

async function answerOf(
  { history, clock, secrets }: SessionParts,
  { plugin, state }: BuiltPlugin,
  action: PluginAction<unknown>,
  name: string,
  args: JsonValue,
): Promise<JsonValue> {
  const call = { plugin: plugin.id, hook: `actions.${name}`, timeoutMs: plugin.timeoutMs, clock };
  const answer = await callHook(call, (time) => {
    const context: ActionContext<unknown> = {
      sessionId: history.sessionId,
      state,
      get signal() {
        return time.signal;
      },
    };
    return action.run(args, context);
  });
  const value = answer ?? null;
  if (findNonJson(value) !== undefined) throw hookInvalid(call, 'data');
  return secrets.redactJson(structuredClone(value));
}
