import { LashError } from '../core/error.ts';
import type { SessionEvent } from '../core/event.ts';
import { equal } from './assert.ts';
import type { PluginCase, PluginConformanceContext } from './plugin-context.ts';
import {
  comparable,
  type Disturb,
  endedOnce,
  exercise,
  inTime,
  letRun,
  openOn,
  openTab,
  type PluginTab,
  SESSION,
  type TurnStory,
  withPlugins,
  withQuickRetries,
} from './plugin-stage.ts';
import { PluginWatch } from './plugin-watch.ts';

/** Begins the turn `t`, stops it at the first of these events, and has it end once. */
async function stopAt(
  context: PluginConformanceContext,
  tab: PluginTab,
  what: string,
  isPlace: (event: SessionEvent) => boolean,
  waitMs = 0,
): Promise<void> {
  const stopping: Promise<void>[] = [];
  const stop = async (): Promise<void> => {
    if (waitMs > 0) await letRun(waitMs);
    await tab.session.cancelTurn('t');
  };
  const unsubscribe = tab.session.subscribe((event) => {
    if (stopping.length === 0 && isPlace(event)) stopping.push(stop());
  });
  await exercise(context, tab, { inputId: 't' });
  unsubscribe();
  // One that is over by then cannot be stopped any more.
  await Promise.allSettled(stopping);
  endedOnce(tab, 't', what);
}

/** A disturbed turn ended; one that is not disturbed follows it in the same session. */
async function goesOn(context: PluginConformanceContext, tab: PluginTab, what: string): Promise<void> {
  const { status } = await exercise(context, tab);
  equal(status, 'completed', `${what}: how the next turn ends`);
  await tab.session.close();
}

/** Disturbs the `call`-th model call of a session, and none behind it. */
const at =
  (call: number, instead: ReturnType<Disturb>): Disturb =>
  (count, actions) =>
    count === call ? [...actions.slice(0, 1), ...instead] : actions;

const refused = new LashError('ProviderRejected', 'The model refuses', {});
const unavailable = new LashError('ProviderUnavailable', 'The model is not there', {});

const endingCases: readonly PluginCase[] = [
  {
    name: '[PC5][TU6] a turn with it is answered and ends once, and none of its hooks fails',
    run: async (context) => {
      const tab = await openTab(context);
      const { status } = await exercise(context, tab, { inputId: 't' });
      const result = tab.events.findLast((event) => event.type === 'turn-finished')?.result;
      equal([status, result?.error?.message], ['completed', undefined], 'how the turn ends');
      equal(tab.build.failures, [], 'what its hooks fail with');
      endedOnce(tab, 't', 'a turn that is answered');
      const warnings = tab.events.filter(({ type }) => type === 'warning');
      equal(warnings, [], 'warnings');
      await goesOn(context, tab, 'a turn that was answered');
    },
  },
  {
    name: '[PC5][TU6] a turn whose model fails, at whichever call, ends once, and the session goes on',
    run: async (context) => {
      for (const call of context.exercise.calls.keys()) {
        const disturb = at(call, [{ type: 'fail', error: refused }]);
        const tab = await openTab(context, { sessionId: `failing-${call}`, disturb });
        const { status } = await exercise(context, tab, { inputId: 't' });
        equal(status, 'failed', `how a turn ends whose model call ${call} fails`);
        endedOnce(tab, 't', `failing at call ${call}`);
        await goesOn(context, tab, `failing at call ${call}`);
      }
    },
  },
  {
    name: '[PC5][TU5][TU6] a turn that is stopped before or in the middle of an answer ends once, and the session goes on',
    run: async (context) => {
      for (const call of context.exercise.calls.keys()) {
        for (const waitMs of [0, 10]) {
          const what = `stopped ${waitMs} ms into call ${call}`;
          let isStopped = false;
          const hanging = at(call, [{ type: 'hang' }]);
          const tab = await openTab(context, {
            sessionId: `hanging-${call}-${waitMs}`,
            disturb: (count, actions) => (isStopped ? actions : hanging(count, actions)),
          });
          const isPlace = (event: SessionEvent): boolean =>
            event.type === 'step-started' && event.step === call;
          await stopAt(context, tab, what, isPlace, waitMs);
          isStopped = true;
          await goesOn(context, tab, what);
        }
      }
    },
  },
  {
    name: '[PC5][TU5][TU6] a turn that is stopped as it begins, as a tool runs or as it ends, ends once, and the session goes on',
    run: async (context) => {
      const last = context.exercise.calls.length - 1;
      const places = ['input-accepted', 'tool-started', 'tool-completed', 'usage-counted'] as const;
      for (const place of places) {
        const tab = await openTab(context, { sessionId: place });
        // What is used is counted once an answer is there: that of the last call ends the turn.
        const isPlace = (event: SessionEvent): boolean =>
          event.type === place && (event.type !== 'usage-counted' || event.step === last);
        await stopAt(context, tab, `stopped at ${place}`, isPlace);
        await goesOn(context, tab, `stopped at ${place}`);
      }
    },
  },
];

/** The exercise in a new session that nobody disturbs. */
async function alone(context: PluginConformanceContext, sessionId: string): Promise<TurnStory> {
  const tab = await openTab(context, { sessionId });
  const story = await exercise(context, tab);
  await tab.session.close();
  return story;
}

const tellingCases: readonly PluginCase[] = [
  {
    name: '[PC4][PL4] a model call that is made again is told the same again',
    run: async (context) => {
      const disturb: Disturb = (call, actions) =>
        call === 0 ? [{ type: 'fail', error: unavailable }] : actions;
      const tab = await openTab(context, { disturb, environment: withQuickRetries });
      const { status } = await exercise(context, tab);
      equal(status, 'completed');
      const [first, second] = tab.model.requestsOf(SESSION);
      equal(comparable(context, second), comparable(context, first));
      await tab.session.close();
    },
  },
  {
    name: '[PC4] two new sessions are told the same, and keep the same of it',
    run: async (context) => {
      const first = await alone(context, 'one');
      equal(await alone(context, 'two'), first);
    },
  },
];

const sessionCases: readonly PluginCase[] = [
  {
    name: '[PC1] two sessions of one host share nothing: one after the other, each finds what a session alone does',
    run: async (context) => {
      const wanted = await alone(context, 'alone');
      const watch = new PluginWatch();
      const environment = withPlugins(await context.environment(), [watch.plugin(context.plugin())]);
      for (const sessionId of ['one', 'two']) {
        const tab = await openOn(context, environment, watch, { sessionId });
        equal(await exercise(context, tab), wanted, `what session ${sessionId} finds`);
        await tab.session.close();
      }
    },
  },
  {
    name: '[PC1] two sessions of one host share nothing: at the same time, each finds what a session alone does',
    run: async (context) => {
      const wanted = await alone(context, 'alone');
      const watch = new PluginWatch();
      const environment = withPlugins(await context.environment(), [watch.plugin(context.plugin())]);
      const tabs = await Promise.all(
        ['one', 'two'].map(async (sessionId) => await openOn(context, environment, watch, { sessionId })),
      );
      const stories = await Promise.all(tabs.map(async (tab) => await exercise(context, tab)));
      equal(stories, [wanted, wanted]);
      await Promise.all(tabs.map(async ({ session }) => await session.close()));
    },
  },
  {
    name: '[PC8] a session that is closed or parked is over for it: it is disposed of once, and does nothing with it any more',
    run: async (context) => {
      for (const end of ['close', 'park'] as const) {
        const { session, build } = await openTab(context, { sessionId: end });
        await inTime(session.turn(context.exercise.input).result);
        await session[end]();
        await letRun();
        equal(build.disposals, 1, `how often ${end} disposes of it`);
        equal(build.late, [], `what it does after ${end}`);
        equal(build.failures, [], 'what its hooks fail with');
      }
    },
  },
];

/** How a turn with a plugin ends, what it is told, and what remains of it (rules PC1, PC4, PC5 and PC8). */
export const pluginTurnCases: readonly PluginCase[] = [...endingCases, ...tellingCases, ...sessionCases];
