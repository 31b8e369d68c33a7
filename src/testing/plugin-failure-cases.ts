import type { ActionContext, HookContext, Plugin, PluginHooks } from '../contract/plugin.ts';
import { isLashError } from '../core/error.ts';
import type { TurnResult } from '../core/turn-result.ts';
import { equal, ok, rejects } from './assert.ts';
import { ASKED_HOOKS, HOOK_LAWS, type HookLaw, type HookName } from './hook-laws.ts';
import type { PluginHostCase, PluginHostContext, PluginTestSession } from './plugin-context.ts';
import { ANY_STATE, type HostStory, openHost, playHost, pluginOf } from './plugin-host-stage.ts';
import { inTime, letRun } from './plugin-stage.ts';

/** How long a hook may take that hangs here, in milliseconds. */
const HOOK_MS = 50;

type Problem = 'threw' | 'late' | 'invalid';

/** A way to fail: what a hook does, and what that is called. */
interface Failure {
  readonly how: string;
  readonly problem: Problem;
  readonly body: () => unknown;
}

function failuresOf({ waits, wrong }: HookLaw): readonly Failure[] {
  const failures: Failure[] = [{ how: 'throws', problem: 'threw', body: throwing }];
  if (waits === 'never') {
    if (wrong.length > 0)
      failures.push({ how: 'waits', problem: 'invalid', body: async () => await Promise.resolve('x') });
  } else {
    failures.push(
      { how: 'rejects', problem: 'threw', body: async () => await Promise.reject(new Error('broken')) },
      { how: 'hangs', problem: 'late', body: async () => await new Promise(() => undefined) },
    );
  }
  return [
    ...failures,
    ...wrong.map((value): Failure => ({
      how: `returns ${shown(value)}`,
      problem: 'invalid',
      body: () => value,
    })),
  ];
}

/** What a failure of a hook of the plugin `bad` must have become (rule PL3). */
const VERDICTS: {
  readonly [Kind in Exclude<HookLaw['failure'], 'none'>]: (
    story: HostStory,
    hook: HookName,
    problem: Problem,
  ) => void;
} = {
  turn: ({ result }, hook, problem) => {
    const { status, reason, error } = result;
    equal([status, reason, error?.code], ['failed', 'plugin_error', 'PluginFailed']);
    equal(error?.data, { plugin: 'bad', hook, problem });
  },
  call: ({ result, outcomes }, hook) => {
    equal(result.status, 'completed');
    const [outcome] = outcomes;
    ok(outcome?.status === 'failure', 'the call does not fail');
    equal(outcome.code, 'PluginFailed');
    ok(names(outcome.message, hook), `the model is told: ${outcome.message}`);
  },
  warning: ({ result, events }, hook) => {
    equal(result.status, 'completed');
    const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    ok(
      warnings.some((message) => names(message, hook)),
      `warnings: ${warnings.join(', ')}`,
    );
  },
  trace: ({ result, traced, events }, hook) => {
    equal(result.status, 'completed');
    ok(
      traced.some((record) => names(JSON.stringify(record), hook)),
      'it is not traced',
    );
    ok(!JSON.stringify(events).includes('broken'), 'a page is told');
  },
  refusal: ({ result, policy, view }, hook, problem) => {
    equal([result.status, view.turn], ['completed', null]);
    const refused: unknown = Reflect.get(policy, 'refused');
    ok(isLashError(refused, 'PluginFailed'), `it is refused with ${String(refused)}`);
    equal(refused.data, { plugin: 'bad', hook, problem });
  },
};

/** Whether somebody who reads this knows which hook of which plugin it was. */
function names(message: string, hook: HookName): boolean {
  return message.includes('bad') && message.includes(hook);
}

/** Has `bad` fail in the place of another plugin, from when the session is open until it is repaired; `behind` is told whether it was asked then. */
async function fail(
  context: PluginHostContext,
  hook: HookName,
  { body }: Failure,
): Promise<{ readonly story: HostStory; readonly isBehindAsked: boolean }> {
  let isBroken = false;
  let isBehindAsked = false;
  const bad = pluginOf('bad', { [hook]: () => (isBroken ? body() : undefined) }, { timeoutMs: HOOK_MS });
  const behind = pluginOf('behind', { [hook]: () => void (isBehindAsked ||= isBroken) });
  const story = await playHost(context, [bad, behind], {
    opened: () => void (isBroken = true),
    // A session is disposed of once, when it is closed.
    repair: () => void (isBroken = hook === 'dispose'),
  });
  // Nobody waits for a hook of what happens: what hangs is traced when its time is over.
  if (HOOK_LAWS[hook].waits === 'unheld') await letRun(2 * HOOK_MS);
  return { story, isBehindAsked };
}

const WORDS: { readonly [Kind in HookLaw['failure']]: string } = {
  turn: 'the turn fails',
  call: 'the call fails, and the model is told',
  warning: 'it is a warning',
  trace: 'it is traced',
  refusal: 'the change is refused',
  none: '',
};

const failureCases: readonly PluginHostCase[] = ASKED_HOOKS.flatMap(([hook, law]) =>
  failuresOf(law).map((failure): PluginHostCase => ({
    name: `[PL2][PL3] ${hook} that ${failure.how}: ${WORDS[law.failure]}, the turn ends once, and the session goes on`,
    run: async (context) => {
      const { story, isBehindAsked } = await fail(context, hook, failure);
      if (law.failure !== 'none') VERDICTS[law.failure](story, hook, failure.problem);
      const isTold = law.failure === 'warning' || law.failure === 'trace';
      equal(isBehindAsked, isTold, 'whether the plugin behind it is asked');
      const ends = story.events.flatMap((event) => (event.type === 'turn-finished' ? [event.turnId] : []));
      equal(ends, ['t', 'again'], 'which turns end');
      equal(story.again.status, 'completed', 'how the next turn ends');
    },
  })),
);

/** A turn with a hook that hangs, once it does. */
async function hanging(
  context: PluginHostContext,
  hook: HookName,
): Promise<
  Awaited<ReturnType<typeof openHost>> & {
    readonly result: Promise<TurnResult>;
    readonly aborted: () => boolean;
  }
> {
  const signals: AbortSignal[] = [];
  let isHanging = (): void => undefined;
  const hangs = new Promise<void>((resolve) => {
    isHanging = resolve;
  });
  const body = async (...args: readonly unknown[]): Promise<never> => {
    signals.push((args.at(-1) as HookContext<unknown>).signal);
    isHanging();
    return await new Promise(() => undefined);
  };
  const host = await openHost(context, [pluginOf('hangs', { [hook]: body })]);
  const { result } = host.session.turn('Speak', { inputId: 't' });
  await inTime(hangs, 'reaching the hook');
  return { ...host, result, aborted: () => signals.every(({ aborted }) => aborted) };
}

const stopCases: readonly PluginHostCase[] = ASKED_HOOKS.flatMap(([hook, { waits, failure }]) => {
  if (waits !== 'held' || (failure !== 'turn' && failure !== 'call')) return [];
  return {
    name: `[TU5][PL2] ${hook} that hangs keeps no turn from being stopped, and is told by its signal`,
    run: async (context) => {
      const { session, events, result, aborted } = await hanging(context, hook);
      await session.cancelTurn('t');
      equal((await inTime(result)).status, 'cancelled');
      ok(aborted(), 'its signal does not abort');
      equal(events.filter(({ type }) => type === 'turn-finished').length, 1, 'how often the turn ends');
      await session.close();
    },
  };
});

/** How a session ends. */
const ENDS: Readonly<
  Record<string, (session: PluginTestSession, context: PluginHostContext) => Promise<unknown>>
> = {
  close: async (session) => await session.close(),
  park: async (session) => await session.park(),
  delete: async ({ sessionId }, context) => {
    const { sessionStoreFactory } = await context.environment();
    await sessionStoreFactory.delete(sessionId);
    sessionStoreFactory.leases.publish(sessionId, { kind: 'deleted' });
  },
};

const openingCases: readonly PluginHostCase[] = [
  {
    name: '[PL2] a plugin that is not built, or is built into no hooks, refuses the session, and those before it are disposed of',
    run: async (context) => {
      const builds: readonly (readonly [Problem, () => unknown])[] = [
        ['threw', throwing],
        ['invalid', async () => await Promise.resolve({})],
        ['invalid', () => 'hooks'],
        ['invalid', () => () => undefined],
      ];
      for (const [problem, build] of builds) {
        let disposals = 0;
        const before = pluginOf('before', { dispose: () => void disposals++ });
        const bad: Plugin = { id: 'bad', version: 1, build: build as () => PluginHooks<unknown> };
        const opening = inTime(openHost(context, [before, bad]), 'opening');
        await rejects(opening, 'PluginFailed', { plugin: 'bad', hook: 'build', problem });
        equal(disposals, 1, 'how often the one before it is disposed of');
      }
      const { session } = await openHost(context, []);
      await session.close();
    },
  },
  {
    name: '[PL2] hooks that there are not, and what is no hook, refuse the session, and the failure names them',
    run: async (context) => {
      const bad: readonly (readonly [string, string, unknown])[] = [
        ['build', 'beforeTrun', () => undefined],
        ...Object.entries(HOOK_LAWS).flatMap(([hook, { kind, wrong }]) =>
          (kind === 'listed' ? wrong : [null, 5, {}]).map((value) => [hook, hook, value] as const),
        ),
      ];
      for (const [hook, name, value] of bad) {
        const hooks = { [name]: value };
        const forms: readonly Partial<Plugin>[] = [{ hooks }, { build: () => hooks }];
        for (const form of forms) {
          const opening = inTime(openHost(context, [{ id: 'bad', version: 1, ...form }]), 'opening');
          await rejects(opening, 'PluginFailed', { plugin: 'bad', hook, problem: 'invalid' });
        }
      }
    },
  },
  {
    name: '[PL2][PL3] changePolicy that fails refuses a session that is opened with a policy',
    run: async (context) => {
      for (const { problem, body } of failuresOf(HOOK_LAWS.changePolicy)) {
        const bad = pluginOf('bad', { changePolicy: body as () => undefined }, { timeoutMs: HOOK_MS });
        const opening = inTime(openHost(context, [bad]), 'opening');
        await rejects(opening, 'PluginFailed', { plugin: 'bad', hook: 'changePolicy', problem });
      }
    },
  },
  {
    name: '[PL3] a session that is closed, parked or deleted disposes of each plugin once, and tells it nothing afterwards',
    run: async (context) => {
      for (const [end, finish] of Object.entries(ENDS)) {
        const told: string[] = [];
        let isDisposed = (): void => undefined;
        const disposed = new Promise<void>((resolve) => {
          isDisposed = resolve;
        });
        const all = Object.fromEntries(ASKED_HOOKS.map(([hook]) => [hook, () => void told.push(hook)]));
        const dispose = (): void => {
          told.push('dispose');
          isDisposed();
        };
        const { session } = await openHost(context, [pluginOf('hears', { ...all, dispose })], {
          sessionId: end,
        });
        await inTime(session.turn('Speak').result);
        await finish(session, context);
        await inTime(disposed, `the end by ${end}`);
        await session.close();
        await letRun();
        equal(told.indexOf('dispose'), told.length - 1, `what it is told, by ${end}: ${told.join(', ')}`);
      }
    },
  },
];

const actionCases: readonly PluginHostCase[] = (
  [
    ['threw', throwing],
    ['threw', async () => await Promise.reject(new Error('broken'))],
    ['late', async () => await new Promise(() => undefined)],
    ['invalid', () => () => undefined],
    ['invalid', () => new Date(0)],
  ] as const
).map(([problem, body], index) => ({
  name: `[PL2] an action that fails (${problem}, ${index + 1}) is the page's failure, and what it changed is not kept`,
  run: async (context) => {
    const run = (_: unknown, { state }: ActionContext<unknown>): never => {
      state.set('changed');
      return body() as never;
    };
    const found: unknown[] = [];
    const bad: Plugin = {
      ...pluginOf('bad', {
        actions: { act: { writes: true, run } },
        beforeTurn: ({ state }) => void found.push(state.get()),
      }),
      timeoutMs: HOOK_MS,
      state: ANY_STATE,
    };
    const { session } = await openHost(context, [bad]);
    await inTime(session.turn('Speak').result);
    const { head } = session.view();
    const acting = inTime(session.runAction({ plugin: 'bad', action: 'act' }), 'an action');
    await rejects(acting, 'PluginFailed', { plugin: 'bad', hook: 'actions.act', problem });
    equal(session.view().head.leaf, head.leaf);
    equal((await inTime(session.turn('Once more').result)).status, 'completed');
    equal(found, [null, null], 'the state that turns find');
    await session.close();
  },
}));

/** What becomes of hooks that fail, hang or answer with something else, at every point (rules PL2 and PL3). */
export const pluginFailureCases: readonly PluginHostCase[] = [
  ...failureCases,
  ...stopCases,
  ...openingCases,
  ...actionCases,
];

function throwing(): never {
  throw new Error('broken');
}

function shown(value: unknown): string {
  const plain = (_: string, item: unknown): unknown =>
    typeof item === 'function' || typeof item === 'bigint' ? String(item) : item;
  return JSON.stringify(value, plain);
}
