import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { StateDefinition } from '../contract/plugin-state.ts';
import type { Plugin, PluginDefinition, PluginHooks } from '../contract/plugin.ts';
import type { Tool } from '../contract/tool.ts';
import type { TraceRecord, TraceSink } from '../contract/trace.ts';
import type { SessionEvent } from '../core/event.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { ToolOutcome } from '../core/tool-call.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { SessionView } from '../core/view.ts';
import type { PluginHostContext, PluginTestSession } from './plugin-context.ts';
import { type Disturb, followingModel, inTime, SCRIPTED, SESSION, withPlugins } from './plugin-stage.ts';
import { scriptedText, scriptedToolCalls } from './scripted-provider.ts';

/** The tags that hooks of a chain leave; tools have these names too. */
export const TAGS = ['tag-one', 'tag-two', 'tag-three'] as const;

/** A state that may be any JSON, `null` at first. */
export const ANY_STATE: StateDefinition<unknown> = {
  schema: { safeParse: (data) => ({ success: true, data }) },
  initial: null,
};

/** A session that a host's plugins are tried in, and what was seen of it. */
export interface HostTab {
  readonly session: PluginTestSession;
  readonly events: readonly SessionEvent[];
  readonly requests: readonly ModelRequest[];
  /** The arguments that the tool `echo` ran with. */
  readonly ran: readonly unknown[];
  readonly traced: readonly TraceRecord[];
}

/** What became of a session in which every hook was asked. */
export interface HostStory extends Omit<HostTab, 'session'> {
  /** Of the turn `t`. */
  readonly result: TurnResult;
  readonly outcomes: readonly ToolOutcome[];
  /** What a change of the policy was answered, or why it was refused. */
  readonly policy: SessionPolicy | { readonly refused: unknown };
  /** After the turn `again`, which followed. */
  readonly view: SessionView;
  readonly again: TurnResult;
}

/** A plugin of this name that keeps nothing. */
export function pluginOf(
  id: string,
  hooks: PluginHooks<unknown>,
  more: Partial<PluginDefinition<unknown>> = {},
): Plugin {
  return { id, version: 1, hooks, ...more };
}

/** Opens a session with these plugins, whose model says something and calls `echo`, and then says that it is done. */
export async function openHost(
  context: PluginHostContext,
  plugins: readonly Plugin[],
  options: {
    readonly sessionId?: string;
    readonly disturb?: Disturb;
    readonly environment?: (environment: RuntimeEnvironment) => RuntimeEnvironment;
  } = {},
): Promise<HostTab> {
  const { sessionId = SESSION, disturb, environment: change = (origin) => origin } = options;
  const traced: TraceRecord[] = [];
  const ran: unknown[] = [];
  const echo = toolOf('echo', (args) => {
    ran.push(args);
    return 'echoed';
  });
  const calls = [
    [...scriptedText('Listen').slice(0, 1), ...scriptedToolCalls([{ tool: 'echo', args: { n: 1 } }])],
    scriptedText('Done'),
  ];
  const model = followingModel(calls, disturb);
  const origin = await context.environment();
  const environment = withPlugins({ ...origin, traceSink: sinkTo(traced) }, plugins);
  const session = await context.open(change(environment), {
    sessionId,
    mode: 'openOrCreate',
    policy: SCRIPTED,
    providers: { scripted: model },
    tools: [echo, ...TAGS.map((name) => toolOf(name, () => 'ok'))],
  });
  const events: SessionEvent[] = [];
  session.subscribe((event) => events.push(event));
  return { session, events, requests: model.requests, ran, traced };
}

/** Goes through all that hooks are asked in: `opened` is called first, `repair` once the turn `t` and a change of policy are over. */
export async function playHost(
  context: PluginHostContext,
  plugins: readonly Plugin[],
  { opened, repair }: { readonly opened?: () => void; readonly repair?: () => void } = {},
): Promise<HostStory> {
  const { session, ...seen } = await openHost(context, plugins);
  opened?.();
  const result = await inTime(session.turn('Speak', { inputId: 't' }).result);
  const outcomes = seen.events.flatMap((event) => (event.type === 'tool-completed' ? [event.outcome] : []));
  const policy = await inTime(session.setPolicy({ maxSteps: 9 }), 'a change of policy').catch(
    (refused: unknown) => ({ refused }),
  );
  repair?.();
  const again = await inTime(session.turn('Once more', { inputId: 'again' }).result);
  const view = session.view();
  await session.close();
  return { ...seen, result, outcomes, policy, view, again };
}

/** A tool that does `execute`. */
export function toolOf(name: string, execute: (args: unknown) => string): Tool {
  return {
    name,
    description: name,
    inputSchema: { type: 'object' },
    check: (value) => ({ ok: true, value }),
    execute,
  };
}

function sinkTo(records: TraceRecord[]): TraceSink {
  return {
    append: (record) => void records.push(record),
    flush: async () => await Promise.resolve(),
    close: async () => await Promise.resolve(),
  };
}
