import type { HookContext, PluginHooks } from '../contract/plugin.ts';
import { LashError } from '../core/error.ts';
import { canonicalJson, type JsonValue } from '../core/json.ts';
import { equal, ok } from './assert.ts';
import { ASKED_HOOKS, type HookName } from './hook-laws.ts';
import type { PluginHostCase } from './plugin-context.ts';
import { openHost, playHost, pluginOf, TAGS, toolOf } from './plugin-host-stage.ts';
import { inTime, withQuickRetries } from './plugin-stage.ts';

const UNAVAILABLE = new LashError('ProviderUnavailable', 'The model is not there', {});

/** One hook, whatever its type. */
const only = (hook: HookName, body: (...args: readonly unknown[]) => unknown): PluginHooks<unknown> => ({
  [hook]: body,
});

/** What a hook is asked about: its arguments, as JSON, without the context. */
const subjectOf = (args: readonly unknown[]): string => canonicalJson(args.filter(isSubject) as JsonValue[]);

function isSubject(value: unknown): boolean {
  return typeof value !== 'object' || value === null || !('signal' in value && 'state' in value);
}

function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

/** What the contract says of every hook that is asked, hook by hook. */
const orderCases: readonly PluginHostCase[] = ASKED_HOOKS.map(([hook]) => ({
  name: `[PL1] ${hook} is asked by priority, lower first, and then in the order of the list; who answers nothing changes nothing`,
  run: async (context) => {
    const asked: (readonly [id: string, about: string])[] = [];
    const asks = (id: string, priority?: number) =>
      pluginOf(
        id,
        only(hook, (...args) => void asked.push([id, subjectOf(args)])),
        priority === undefined ? {} : { priority },
      );
    const plugins = [asks('last', 1), asks('second'), asks('third'), asks('first', -1)];
    const { result, again } = await playHost(context, plugins);
    equal([result.status, again.status], ['completed', 'completed']);
    const ids = ['first', 'second', 'third', 'last'];
    const [[, about] = []] = asked;
    equal(
      asked.slice(0, ids.length),
      ids.map((id) => [id, about]),
    );
    const wrong = asked.findIndex(([id], index) => id !== ids[index % ids.length]);
    equal(wrong, -1, 'where the order was another one');
  },
}));

const frozenCases: readonly PluginHostCase[] = ASKED_HOOKS.map(([hook]) => ({
  name: `[PL5] what ${hook} is given is frozen`,
  run: async (context) => {
    let isAsked = false;
    let areFrozen = true;
    const body = (...args: readonly unknown[]): void => {
      isAsked = true;
      areFrozen &&= args.filter(isSubject).every(isFrozen);
    };
    await playHost(context, [pluginOf('looks', only(hook, body))]);
    ok(isAsked, 'it is not asked');
    ok(areFrozen, 'it is not frozen');
  },
}));

const chainCases: readonly PluginHostCase[] = ASKED_HOOKS.flatMap(([hook, { chain }]) => {
  if (chain === undefined) return [];
  const { given, change, answer = (changed) => changed, seen } = chain;
  const removes = hook === 'availableTools';
  const passes: PluginHostCase = {
    name: `[PL1] ${hook} is a chain: each plugin is given what the one before it returned, and what the last one returns counts`,
    run: async (context) => {
      const before: unknown[] = [];
      const after: unknown[] = [];
      const plugins = TAGS.map((tag) =>
        pluginOf(
          tag,
          only(hook, (...args) => {
            const changed = change(given(args), tag);
            before.push(given(args));
            after.push(changed);
            return answer(changed);
          }),
        ),
      );
      const story = await playHost(context, plugins);
      equal(before.slice(1, TAGS.length), after.slice(0, TAGS.length - 1), 'what each is given');
      const end = JSON.stringify(seen(story));
      for (const tag of TAGS) ok(end.includes(tag) !== removes, `${tag} is lost: ${end}`);
    },
  };
  const hides: PluginHostCase = {
    name: `[PL5][SE1] a secret that ${hook} returns is told, shown and stored nowhere`,
    run: async (context) => {
      const { secret } = context;
      const story = await playHost(context, [
        pluginOf(
          'leaks',
          only(hook, (...args) => answer(change(given(args), secret))),
        ),
      ]);
      const { requests, events, outcomes, policy, view, traced } = story;
      const all = JSON.stringify({ requests, events, outcomes, policy, view, traced });
      ok(!all.includes(secret), 'the secret is there');
    },
  };
  return removes ? [passes] : [passes, hides];
});

const firstCases: readonly PluginHostCase[] = (['beforeTurn', 'beforeStep'] as const).map((hook) => ({
  name: `[PL1] ${hook} is of the first who answers: the turn ends there, and nobody behind is asked`,
  run: async (context) => {
    const asked: string[] = [];
    const asks = (id: string, answer?: { readonly abort: string }) =>
      pluginOf(
        id,
        only(hook, () => {
          asked.push(id);
          return answer;
        }),
      );
    const { session, requests } = await openHost(context, [
      asks('one'),
      asks('two', { abort: `for ${context.secret}` }),
      asks('three'),
    ]);
    const { status, reason, error } = await inTime(session.turn('Speak').result);
    equal([status, reason, error?.code], ['failed', 'plugin_abort', 'TurnAborted']);
    equal(Reflect.get(error?.data ?? {}, 'plugin'), 'two', 'who ended it');
    ok(!JSON.stringify(error).includes(context.secret), 'the reason holds a secret');
    equal([asked, requests.length], [['one', 'two'], 0]);
    await session.close();
  },
}));

const otherCases: readonly PluginHostCase[] = [
  {
    name: '[PL1] prompt is of all: their pieces are there, each slot by their priorities, and without secrets',
    run: async (context) => {
      const says = (id: string, priority: number) =>
        pluginOf(id, { prompt: () => [{ slot: 'guidance', content: `${id} ${context.secret}`, priority }] });
      const plugins = TAGS.map((tag, index) => says(tag, -index));
      const { requests } = await playHost(context, plugins);
      const system = requests[0]?.system ?? '';
      const there = TAGS.filter((tag) => system.includes(tag));
      equal(
        there.toSorted((a, b) => system.indexOf(a) - system.indexOf(b)),
        TAGS.toReversed(),
      );
      ok(!system.includes(context.secret), 'the secret is there');
    },
  },
  {
    name: '[PL1] tools are of all: the model is offered those of each plugin, and two of one name are refused',
    run: async (context) => {
      const brings = (id: string, name: string) => pluginOf(id, { tools: [toolOf(name, () => 'ok')] });
      const { requests } = await playHost(context, [brings('a', 'of-a'), brings('b', 'of-b')]);
      const names = requests[0]?.tools.map(({ name }) => name) ?? [];
      ok(names.includes('of-a') && names.includes('of-b'), `the model is offered ${names.join(', ')}`);
      for (const plugins of [[brings('a', 'same'), brings('b', 'same')], [brings('a', 'echo')]]) {
        const opening = openHost(context, plugins, { sessionId: 'refused' });
        await inTime(opening, 'opening').then(
          () => ok(false, 'two tools of one name are taken'),
          () => undefined,
        );
      }
    },
  },
  {
    name: '[PL1] a ruling that is no args ends the chain: the call is answered or denied, and does not run',
    run: async (context) => {
      const rulings = [
        { kind: 'answer', value: 'instead' },
        { kind: 'deny', reason: 'not now' },
      ] as const;
      for (const ruling of rulings) {
        const asked: string[] = [];
        const { session, events, ran } = await openHost(
          context,
          [
            pluginOf('rules', { beforeToolCall: () => ruling }),
            pluginOf('later', { beforeToolCall: () => void asked.push('later') }),
          ],
          { sessionId: ruling.kind },
        );
        equal((await inTime(session.turn('Speak').result)).status, 'completed');
        const [outcome] = events.flatMap((event) => (event.type === 'tool-completed' ? [event.outcome] : []));
        const answered = outcome?.status === 'success' ? outcome.value : undefined;
        equal(answered, ruling.kind === 'answer' ? 'instead' : undefined);
        if (ruling.kind === 'deny') equal(Reflect.get(outcome ?? {}, 'code'), 'ToolDenied');
        equal([asked, ran], [[], []]);
        await session.close();
      }
    },
  },
  {
    name: '[PL4] hooks of a model call run again when it is made again, and the others do not',
    run: async (context) => {
      const asked: string[] = [];
      const all = Object.fromEntries(
        ASKED_HOOKS.map(([hook]) => [
          hook,
          (...args: readonly unknown[]) => {
            const context = args.at(-1) as Partial<HookContext<unknown>> | undefined;
            if (context?.step === 0) asked.push(hook);
          },
        ]),
      );
      const { session } = await openHost(context, [pluginOf('counts', all)], {
        disturb: (call, actions) => (call === 0 ? [{ type: 'fail', error: UNAVAILABLE }] : actions),
        environment: withQuickRetries,
      });
      equal((await inTime(session.turn('Speak').result)).status, 'completed');
      for (const [hook, { ofModelCall, ofTurn }] of ASKED_HOOKS) {
        // The end of the turn is of its last step.
        if (ofTurn !== true || hook === 'afterTurn') continue;
        const times = asked.filter((name) => name === hook).length;
        equal(times, ofModelCall === true ? 2 : 1, `how often ${hook} is asked`);
      }
      await session.close();
    },
  },
  {
    name: '[TU1] the same turn id is the same turn: no hook of a turn is asked again',
    run: async (context) => {
      let asked = 0;
      const counts = Object.fromEntries(
        ASKED_HOOKS.filter(([, { ofTurn }]) => ofTurn).map(([hook]) => [hook, () => void asked++]),
      );
      const { session, requests } = await openHost(context, [pluginOf('counts', counts)]);
      const first = await inTime(session.turn('Speak', { inputId: 't' }).result);
      const before = [asked, requests.length];
      equal(await inTime(session.turn('Speak', { inputId: 't' }).result), first);
      equal([asked, requests.length], before);
      await session.close();
    },
  },
];

/** In which order hooks are asked, and what becomes of their answers (rules PL1, PL4 and PL5). */
export const pluginOrderCases: readonly PluginHostCase[] = [
  ...orderCases,
  ...chainCases,
  ...firstCases,
  ...otherCases,
  ...frozenCases,
];
