import type { PluginHooks } from '../contract/plugin.ts';
import { type Tool, toolSpec } from '../contract/tool.ts';
import { isLashError } from '../core/error.ts';
import { freeze } from '../core/freeze.ts';
import { canonicalJson, findNonJson, type JsonValue, utf8Length } from '../core/json.ts';
import { equal, ok } from './assert.ts';
import { HOOK_LAWS, type HookName } from './hook-laws.ts';
import { HOSTILE_JSON, hostileArguments } from './hostile-json.ts';
import type { PluginCase, PluginConformanceContext } from './plugin-context.ts';
import { exercise, inTime, openTab } from './plugin-stage.ts';

/** What passes this is not cheap: a session opens no sooner. */
const BUILD_MS = 1000;

const MAX_STATE_BYTES = 64 * 1024;

/** What holds of a plugin as it is built (rules PC1 to PC3). */
export const pluginShapeCases: readonly PluginCase[] = [
  {
    name: '[PC1] it is built for a session at once, within a second, and is the same plugin each time',
    run: async (context) => {
      const { session, build } = await openTab(context);
      ok(build.tookMs < BUILD_MS, `it took ${build.tookMs} ms to build`);
      ok(context.plugin() !== context.plugin(), 'the context makes the plugin once, and not anew');
      const [one, two] = [context.plugin(), context.plugin()];
      equal([one.id, one.version], [two.id, two.version], 'id and version differ from time to time');
      await session.close();
    },
  },
  {
    name: '[PC2] its initial state is JSON of at most 64 KiB that its schema takes, and what that makes of it is taken again',
    run: async (context) => {
      const { state } = context.plugin();
      if (state === undefined) return;
      equal(findNonJson(state.initial), undefined, 'where the initial state is no JSON');
      const parsed = state.schema.safeParse(state.initial);
      ok(parsed.success, 'the schema refuses the initial state');
      equal(findNonJson(parsed.data), undefined, 'where the schema makes it no JSON');
      const again = state.schema.safeParse(parsed.data);
      equal(again.success && again.data, parsed.data, 'the schema changes what it made');
      const bytes = utf8Length(canonicalJson(parsed.data as JsonValue));
      ok(bytes <= MAX_STATE_BYTES, `the initial state has ${bytes} bytes`);
    },
  },
  {
    name: '[PC2] its schema checks any JSON, and throws for none',
    run: async (context) => {
      const { state } = context.plugin();
      for (const value of HOSTILE_JSON) {
        const parsed = state?.schema.safeParse(value);
        if (parsed?.success === false)
          ok(Array.isArray(parsed.error.issues), `it does not say what is wrong with ${shown(value)}`);
      }
    },
  },
  {
    name: '[PC2] each of its hooks is one that there is, and a function; tools are a list, actions have names',
    run: async (context) => {
      const hooks = await hooksOf(context);
      for (const [name, hook] of Object.entries(hooks) as readonly [string, unknown][]) {
        ok(Object.hasOwn(HOOK_LAWS, name), `there is no hook ${name}`);
        if (hook === undefined || HOOK_LAWS[name as HookName].kind === 'listed') continue;
        ok(typeof hook === 'function', `the hook ${name} is no function`);
      }
      ok(Array.isArray(hooks.tools ?? []), 'tools are no list');
      for (const [name, action] of Object.entries(hooks.actions ?? {}))
        ok(typeof action.run === 'function', `the action ${name} has no run`);
    },
  },
  {
    name: '[PC2] its tools have names and schemas that any provider takes, each name once, and the same ones when it is built again',
    run: async (context) => {
      const tools = await toolsOf(context);
      const names = tools.map(({ name }) => name);
      equal(new Set(names).size, names.length, 'two tools have the same name');
      for (const name of names) ok(/^[A-Za-z0-9_-]{1,64}$/.test(name), `no tool can be named ${name}`);
      const specs = await Promise.all(tools.map(toolSpec));
      for (const { name, description, inputSchema } of specs) {
        ok(typeof description === 'string' && description !== '', `the tool ${name} has no description`);
        ok(findNonJson(inputSchema) === undefined, `the schema of the tool ${name} is no JSON`);
        ok(inputSchema['type'] === 'object', `the schema of the tool ${name} is not of an object`);
      }
      equal(await Promise.all((await toolsOf(context)).map(toolSpec)), specs, 'its tools differ');
    },
  },
  {
    name: '[PC3] its tools check whatever a model writes: they answer, never throw, and change nothing',
    run: async (context) => {
      try {
        for (const tool of await toolsOf(context)) {
          const { inputSchema } = await toolSpec(tool);
          for (const args of hostileArguments(inputSchema)) await checkOnce(tool, freeze(args));
        }
        equal(Reflect.get({}, 'polluted'), undefined, 'what every object has now');
      } finally {
        // Whoever runs further cases is not to suffer from it.
        Reflect.deleteProperty(Object.prototype, 'polluted');
      }
    },
  },
  {
    name: '[PC3] its actions answer whatever they are asked with data, or fail as PluginFailed, and the session goes on',
    run: async (context) => {
      const tab = await openTab(context);
      await exercise(context, tab);
      const { actions = {} } = tab.build.hooks as PluginHooks<unknown>;
      for (const action of Object.keys(actions)) {
        for (const args of HOSTILE_JSON) {
          const asked = tab.session.runAction({ plugin: context.plugin().id, action, args });
          await inTime(asked, `the action ${action}`).catch((error: unknown) =>
            ok(isLashError(error, 'PluginFailed'), `the action ${action} fails with ${String(error)}`),
          );
        }
      }
      equal((await exercise(context, tab)).status, 'completed');
      await tab.session.close();
    },
  },
];

/** The hooks that a session of its own is given. */
async function hooksOf(context: PluginConformanceContext): Promise<PluginHooks<unknown>> {
  const sessionId = crypto.randomUUID();
  const { session, build } = await openTab(context, { sessionId });
  await session.close();
  return build.hooks as PluginHooks<unknown>;
}

async function toolsOf(context: PluginConformanceContext): Promise<readonly Tool[]> {
  const { tools = [] } = await hooksOf(context);
  return typeof tools === 'function' ? tools() : tools;
}

async function checkOnce(tool: Tool, args: JsonValue): Promise<void> {
  const what = `${tool.name} with ${shown(args)}`;
  const check = async (): Promise<unknown> => await tool.check(args);
  const answer = (await inTime(check(), `checking ${what}`).catch((error: unknown) => {
    throw new Error(`checking ${what} throws ${String(error)}`, { cause: error });
  })) as Awaited<ReturnType<Tool['check']>>;
  if (answer.ok) return;
  const { path, reason } = answer;
  ok(typeof path === 'string' && typeof reason === 'string', `checking ${what} says nothing`);
}

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
