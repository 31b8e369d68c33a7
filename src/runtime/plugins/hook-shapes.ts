import type { PluginHooks } from '../../contract/plugin.ts';
import type { Tool } from '../../contract/tool.ts';
import { isFields, isOptional } from './fields.ts';

/** What a hook must be. */
interface Shape {
  readonly what: string;
  readonly fits: (value: unknown) => boolean;
}

/** What is wrong with hooks: which of them it is, or `build` where it is none that there is. */
interface ShapeProblem {
  readonly hook: string;
  readonly must: string;
}

const CALLED: Shape = { what: 'be a function', fits: isFunction };

/** One that is missing here does not compile. */
const SHAPES: { readonly [Hook in keyof Required<PluginHooks<unknown>>]: Shape } = {
  tools: { what: 'be tools, or a function of them', fits: (value) => isFunction(value) || isTools(value) },
  prepareTools: CALLED,
  backgroundTasks: { what: 'be definitions of tasks', fits: isListOf(isTaskDefinition) },
  actions: { what: 'be actions by name', fits: areActions },
  prompt: CALLED,
  availableTools: CALLED,
  beforeTurn: CALLED,
  beforeStep: CALLED,
  viewContext: CALLED,
  transformText: CALLED,
  transformAnswer: CALLED,
  afterStep: CALLED,
  beforeToolCall: CALLED,
  afterToolCall: CALLED,
  afterTurn: CALLED,
  onEvent: CALLED,
  changePolicy: CALLED,
  dispose: CALLED,
};

/** What keeps `hooks` from being hooks, if anything does: a name that is none, or something else than its hook is. */
export function findShapeProblem(hooks: unknown): ShapeProblem | undefined {
  if (!isFields(hooks) || isFunction(hooks['then'])) return { hook: 'build', must: 'return hooks, at once' };
  // An object of a class may have fields of its own.
  const isOfClass = ![Object.prototype, null].includes(Object.getPrototypeOf(hooks) as object | null);
  const unknown = Object.keys(hooks).find(
    (name) => !Object.hasOwn(SHAPES, name) && (!isOfClass || isFunction(hooks[name])),
  );
  if (unknown !== undefined)
    return { hook: 'build', must: `return hooks that there are: ${unknown} is none` };
  for (const [hook, { what, fits }] of Object.entries(SHAPES)) {
    const value = hooks[hook];
    if (value !== undefined && !fits(value)) return { hook, must: what };
  }
  return undefined;
}

/** Whether it is a list of tools, as far as can be seen without calling them. */
export function isTools(value: unknown): value is readonly Tool[] {
  return Array.isArray(value) && value.every(isTool);
}

function isTool(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { name, description, inputSchema, check, execute, approval, mode, replay, timeoutMs } = value;
  return (
    [name, description].every((text) => typeof text === 'string') &&
    (isFields(inputSchema) || isFunction(inputSchema)) &&
    [check, execute].every(isFunction) &&
    (isFunction(approval) || isOptional('boolean', approval)) &&
    [undefined, 'parallel', 'serial'].includes(mode as undefined) &&
    [undefined, 'safe', 'never'].includes(replay as undefined) &&
    isOptional('number', timeoutMs)
  );
}

/** Which names and policies there may be is looked at by those who take them. */
function isTaskDefinition(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { name, policies, maxAttempts, run } = value;
  return (
    typeof name === 'string' &&
    isFunction(run) &&
    (policies === undefined || isFields(policies)) &&
    isOptional('number', maxAttempts)
  );
}

function areActions(value: unknown): boolean {
  return isFields(value) && Object.values(value).every(isAction);
}

function isAction(value: unknown): boolean {
  return isFields(value) && isFunction(value['run']) && isOptional('boolean', value['writes']);
}

function isListOf(isItem: (item: unknown) => boolean): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.every(isItem);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
