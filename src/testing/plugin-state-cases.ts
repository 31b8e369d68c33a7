import type { Plugin } from '../contract/plugin.ts';
import { isLashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import { equal, ok } from './assert.ts';
import { type Death, type MortalTab, mortalTab } from './mortal-tab.ts';
import type { OlderState, PluginCase, PluginConformanceContext } from './plugin-context.ts';
import { ANY_STATE } from './plugin-host-stage.ts';
import { comparable, exercise, openTab, type PluginTab, type TurnStory } from './plugin-stage.ts';

/** Two exercises, one behind the other, in a session that stays open. */
async function twoTurns(
  context: PluginConformanceContext,
): Promise<readonly [first: TurnStory, second: TurnStory]> {
  const tab = await openTab(context, { sessionId: 'control' });
  const stories = [await exercise(context, tab), await exercise(context, tab)] as const;
  await tab.session.close();
  return stories;
}

const lastingCases: readonly PluginCase[] = [
  {
    name: '[PC6][PS1] what it keeps belongs to the branch: a turn finds, and is told, what held where it goes on from',
    run: async (context) => {
      const [first, second] = await twoTurns(context);
      const tab = await openTab(context);
      await exercise(context, tab);
      const { leaf } = tab.session.view().head;
      await exercise(context, tab);
      await tab.session.branchToNode(leaf);
      equal(await exercise(context, tab), second, 'behind the first turn, once more');
      equal(await exercise(context, tab, { from: null }), first, 'from the beginning, once more');
      equal(await exercise(context, tab, { from: leaf }), second, 'behind the first turn, a third time');
      await tab.session.close();
    },
  },
  {
    name: '[PC6][PS2] what it keeps is there again once the session was closed and opened',
    run: async (context) => {
      const [, second] = await twoTurns(context);
      const tab = await openTab(context);
      await exercise(context, tab);
      await tab.session.close();
      const again = await openTab(context);
      equal(await exercise(context, again), second);
      await again.session.close();
    },
  },
  {
    name: '[PC6][RE6] what it keeps is there again once the session was parked and resumed',
    run: async (context) => {
      const [, second] = await twoTurns(context);
      const tab = await openTab(context);
      await exercise(context, tab);
      const again = await openTab(context, { parked: await tab.session.park() });
      equal(await exercise(context, again), second);
      await again.session.close();
    },
  },
];

/** Opens a session in a tab that dies where `death` says, maybe before it is open. */
async function openMortal(
  context: PluginConformanceContext,
  sessionId: string,
  death?: Death,
): Promise<{ readonly mortal: MortalTab; readonly tab: PluginTab | null }> {
  const origin = await context.environment();
  const mortal = mortalTab(origin.sessionStoreFactory, death);
  const opening = openTab(context, {
    sessionId,
    environment: (environment) => ({ ...environment, sessionStoreFactory: mortal.factory }),
  });
  return { mortal, tab: await Promise.race([opening, mortal.death.then(() => null)]) };
}

/** Every place where the exercise may be killed: before and after each write to storage. */
async function deathsOf(context: PluginConformanceContext): Promise<readonly Death[]> {
  const { mortal, tab } = await openMortal(context, 'counted');
  if (tab !== null) await exercise(context, tab);
  const { length } = mortal.writes;
  await tab?.session.close();
  ok(length > 0, 'the exercise writes nothing');
  const writes = Array.from({ length }, (_, write) => write);
  return writes.flatMap((write) => [
    { write, when: 'before' },
    { write, when: 'after' },
  ]);
}

/** Whether the model was told that nobody knows how a call ended, which then is not made again (rule TL5). */
function isUnknown({ session }: PluginTab): boolean {
  return session
    .view()
    .window.nodes.some(
      ({ body }) =>
        body.kind === 'tool' &&
        body.invocation.outcome.status === 'failure' &&
        body.invocation.outcome.code === 'ToolOutcomeUnknown',
    );
}

const killCase: PluginCase = {
  name: '[PC6][PS2][TU6] a tab may die at each write: another one goes on, the turn ends once, and what it keeps is as without that',
  run: async (context) => {
    const [first, second] = await twoTurns(context);
    for (const death of await deathsOf(context)) {
      const what = `killed ${death.when} write ${death.write}`;
      const sessionId = `${death.when}-${death.write}`;
      const { mortal, tab: dying } = await openMortal(context, sessionId, death);
      const dead = dying === null ? mortal.death : exercise(context, dying, { inputId: 't' });
      await Promise.race([dead, mortal.death]);
      const tab = await openTab(context, { sessionId });
      const story = await exercise(context, tab, { inputId: 't' });
      equal(story.status, 'completed', `${what}: how the turn ends`);
      const events = [...(dying?.events ?? []), ...tab.events];
      const ends = events.filter((event) => event.type === 'turn-finished' && event.turnId === 't');
      ok(ends.length <= 1, `${what}: the turn said ${ends.length} times that it is over`);
      if (isUnknown(tab)) equal((await exercise(context, tab)).status, 'completed', `${what}: the next turn`);
      else {
        equal(story.left, first.left, `${what}: what it keeps`);
        equal(await exercise(context, tab), second, `${what}: the next turn`);
      }
      await tab.session.close();
    }
  },
};

/** The plugin as an older version of it, which stores `body` with each turn. */
function storing(plugin: Plugin, { version, body }: OlderState): Plugin {
  const { id } = plugin;
  return {
    id,
    version,
    state: ANY_STATE,
    hooks: { afterTurn: (_, { state }) => state.set(body) },
  };
}

/** Runs the exercise on what another version has stored: what it finds, or `null` where that is refused. */
async function onStored(
  context: PluginConformanceContext,
  sessionId: string,
  older: OlderState,
): Promise<{ readonly found: JsonValue } | null> {
  const keeper = await openTab(context, { sessionId, plugin: storing(context.plugin(), older) });
  await exercise(context, keeper);
  await keeper.session.close();
  const tab = await openTab(context, { sessionId });
  const story = await exercise(context, tab).catch((error: unknown) => {
    if (isLashError(error, 'PluginStateRefused')) return null;
    throw error;
  });
  await tab.session.close();
  if (story !== null) equal(story.status, 'completed', 'how a turn on a migrated state ends');
  return story;
}

const versionCases: readonly PluginCase[] = [
  {
    name: '[PC7][PS3] what its older versions have stored becomes what its author says, or is refused and stays stored',
    run: async (context) => {
      for (const [index, older] of (context.older ?? []).entries()) {
        const what = `the state of version ${older.version}`;
        const sessionId = `older-${index}`;
        const story = await onStored(context, sessionId, older);
        if (older.becomes === undefined) {
          ok(story === null, `${what} is not refused`);
          const keeper = await openTab(context, { sessionId, plugin: storing(context.plugin(), older) });
          equal((await exercise(context, keeper)).found, comparable(context, older.body), `${what} is lost`);
          await keeper.session.close();
        } else equal(story?.found, comparable(context, older.becomes), `what ${what} becomes`);
      }
    },
  },
  {
    name: '[PC7][PS3] what a version that it does not know has stored is migrated, or refused as PluginStateRefused',
    run: async (context) => {
      const { state, version } = context.plugin();
      if (state === undefined) return;
      for (const [index, body] of [null, 'text', [], { unknown: true }].entries()) {
        const story = await onStored(context, `unknown-${index}`, { version: version + 1, body });
        if (story === null) continue;
        ok(state.schema.safeParse(story.found).success, 'a turn finds a state that the schema refuses');
      }
    },
  },
];

/** What of a plugin lasts, and where it does (rules PC6 and PC7). */
export const pluginStateCases: readonly PluginCase[] = [...lastingCases, killCase, ...versionCases];
