import type { Residency } from '../contract/environment.ts';
import type { Tool } from '../contract/tool.ts';
import { equal, ok, rejects } from './assert.ts';
import {
  answering,
  noteOf,
  notes,
  openSession,
  pathIds,
  playing,
  SESSION,
  withStore,
  writePath,
} from './residency-author.ts';
import type { ResidencyCase, ResidencyContext, ResidencySession } from './residency-context.ts';
import { checkLooks, ResidencyWatch } from './residency-watch.ts';
import { scriptedText, scriptedToolCalls } from './scripted-provider.ts';
import { standIn } from './stand-in.ts';

const RESIDENCIES: readonly Residency[] = ['KeepAll', 'ActivePathOnly'];

/** A bound that a few dozen notes of {@link NOTE_LENGTH} characters fill. */
const SMALL_BOUND = 16 * 1024;
const NOTE_LENGTH = 200;

const echo: Tool = {
  name: 'echo',
  description: 'Says it again.',
  inputSchema: { type: 'object' },
  check: (args) => ({ ok: true, value: args }),
  execute: (args) => JSON.stringify(args),
};

/** Goes through all that changes what a session holds: turns with tools, appends, branches, edits, others, maintenance. */
async function wholeLife(
  context: ResidencyContext,
  session: ResidencySession,
  verify: () => Promise<void>,
): Promise<void> {
  await session.turn('first').result;
  const answer = session.view().head.leaf;
  await session.appendSessionNodes({ nodes: notes(120, NOTE_LENGTH) });
  const far = session.view().head.leaf;
  await session.turn('edited', { from: null }).result;
  const edited = session.view().head.leaf;
  await session.branchToNode(far);
  await session.turn('below a node in the middle', { from: answer }).result;
  await session.branchToNode(far);
  const other = await context.open(await context.environment('ActivePathOnly'), answering('elsewhere'));
  await other.turn('from another tab').result;
  await other.branchToNode(edited);
  await session.maintain(async () => await Promise.resolve());
  equal(session.view().head.leaf, edited);
  await other.branchToNode(far);
  await other.appendSessionNodes({ nodes: notes(3, NOTE_LENGTH) });
  await session.appendSessionNodes({ nodes: [noteOf('behind the other tab')] });
  await other.close();
  await session.readView({ before: 60, limit: 20 });
  const { items } = await session.orphanedNodeIds({ limit: 1000 });
  await verify();
  await session.maintain(async (store) => await store.tombstoneNodes(items));
  await session.turn('last').result;
}

const boundCases: readonly ResidencyCase[] = [SMALL_BOUND, 1].map((maxBytes) => ({
  name: `[RE2] at every call of the store and every event, what is in memory is the newest part of the active path, within ${maxBytes} bytes`,
  run: async (context) => {
    const environment = await context.environment('ActivePathOnly', maxBytes);
    const options = playing(
      [
        scriptedToolCalls([
          { tool: 'echo', args: { text: 'a' } },
          { tool: 'echo', args: { text: 'b' } },
        ]),
        scriptedText('one'),
        scriptedText('two'),
        scriptedText('three'),
        scriptedToolCalls([{ tool: 'echo', args: { text: 'c' } }]),
        scriptedText('four'),
      ],
      { tools: [echo] },
    );
    const watch = new ResidencyWatch(maxBytes);
    const session = watch.session(await context.open(watch.environment(environment), options));
    const verify = async (): Promise<void> => await watch.verify(environment.sessionStoreFactory, SESSION);
    await wholeLife(context, session, verify);
    checkLooks(watch, 100);
    const parked = await session.park();
    const again = watch.session(
      await context.resume(parked, watch.environment(environment), answering('five')),
    );
    await again.turn('after a park').result;
    await again.close();
    await verify();
  },
}));

const readingCases: readonly ResidencyCase[] = [
  {
    name: '[RE2] opening a path of 10,000 nodes reads a page of it, and so does going on from there',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      await (await context.open(environment, answering())).close();
      const ids = await writePath(environment, 10_000);
      const watch = new ResidencyWatch(8 * 1024 * 1024);
      const session = watch.session(
        await context.open(watch.environment(environment), answering('one', 'two')),
      );
      equal(watch.nodesRead, 100, 'nodes read by opening');
      equal(session.residentNodeIds(), ids.slice(-100));
      equal(session.view().head.depth, 10_000);
      await session.turn('a question').result;
      await session.turn('another one').result;
      ok(watch.nodesRead <= 200, `two turns read ${watch.nodesRead - 100} nodes`);
      const read = watch.nodesRead;
      const page = await session.readView({ before: 5000, limit: 50 });
      equal(
        page.window.nodes.map(({ id }) => id),
        ids.slice(4950, 5000),
      );
      equal(watch.nodesRead, read + 50);
      equal(session.residentNodes, 104);
      await session.branchToNode(ids[4999] ?? null);
      equal(
        session.view().window.nodes.map(({ id }) => id),
        ids.slice(4900, 5000),
      );
      equal(watch.nodesRead, read + 150);
      await session.close();
    },
  },
  {
    name: '[RE2] what lies off the path is neither read nor kept: opening, refreshing, a turn, listing orphans in pages',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      await (await context.open(environment, answering())).close();
      await writePath(environment, 3000);
      const path = await writePath(environment, 200);
      const watch = new ResidencyWatch(8 * 1024 * 1024);
      const session = watch.session(await context.open(watch.environment(environment), answering('one')));
      await session.maintain(async () => await Promise.resolve());
      await session.turn('a question').result;
      let orphans = 0;
      let after: string | null = null;
      do {
        const page = await session.orphanedNodeIds({ limit: 500, ...(after === null ? {} : { after }) });
        orphans += page.items.length;
        after = page.next;
      } while (after !== null);
      equal(orphans, 3000);
      ok(watch.nodesRead <= path.length + 100, `read ${watch.nodesRead} nodes`);
      ok(session.residentNodes <= path.length + 2, `${session.residentNodes} nodes in memory`);
      await session.close();
      await watch.verify(environment.sessionStoreFactory, SESSION);
    },
  },
  {
    name: '[RE1] KeepAll holds every node, also off the path, from the start and after each change, and none that is tombstoned',
    run: async (context) => {
      const session = await openSession(context, 'KeepAll', 'one', 'two');
      await session.turn('first').result;
      await session.turn('edited', { from: null }).result;
      equal(session.residentNodes, 4);
      await session.close();
      const again = await openSession(context, 'KeepAll');
      equal(again.residentNodes, 4);
      const { items } = await again.orphanedNodeIds();
      equal(items.length, 2);
      await again.maintain(async (store) => await store.tombstoneNodes(items));
      equal(again.residentNodes, 2);
      await rejects(again.getHistoricNode(items[0] ?? ''), 'NodeNotFound');
      await again.close();
    },
  },
  {
    name: '[RE3] ActivePathOnly is refused with the reason where the store does not outlive the worker',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      const sessionStoreFactory = standIn(environment.sessionStoreFactory, { persistent: false });
      const opening = context.open({ ...environment, sessionStoreFactory }, answering());
      const { data } = await rejects(opening, 'InvalidEnvironment');
      equal(data.field, 'residency');
    },
  },
];

const nodeCases: readonly ResidencyCase[] = RESIDENCIES.flatMap((residency): readonly ResidencyCase[] => [
  {
    name: `[RE4] getHistoricNode finds any live node, and keeps none (${residency})`,
    run: async (context) => {
      const session = await openSession(context, residency, 'one', 'two');
      await session.turn('first').result;
      const [off] = session.view().window.nodes;
      await session.turn('edited', { from: null }).result;
      const before = session.residentNodeIds();
      equal(await session.getHistoricNode(off?.id ?? ''), off);
      equal(session.residentNodeIds(), before);
      await rejects(session.getHistoricNode('nowhere.0'), 'NodeNotFound');
      await session.close();
    },
  },
  {
    name: `[RE5] a branch is stored and binding: after a reload the next turn goes on from it (${residency})`,
    run: async (context) => {
      const session = await openSession(context, residency, 'one', 'two');
      await session.turn('first').result;
      const answer = session.view().head.leaf;
      await session.turn('edited', { from: null }).result;
      const { head } = session.view();
      await rejects(session.branchToNode('nowhere.0'), 'NodeNotFound');
      equal(session.view().head, head);
      equal(await session.branchToNode(answer), answer);
      await session.close();
      const again = await openSession(context, residency, 'three');
      equal(again.view().head.leaf, answer);
      await again.turn('and then').result;
      equal(again.view().window.nodes[2]?.parentId, answer);
      await again.close();
    },
  },
  {
    name: `[RE5] during a turn branchToNode is TurnRunning (${residency})`,
    run: async (context) => {
      const environment = await context.environment(residency);
      const session = await context.open(environment, playing([[{ type: 'hang' }]]));
      const turn = session.turn('first');
      await turn.accepted;
      await rejects(session.branchToNode(null), 'TurnRunning');
      await rejects(session.park(), 'TurnRunning');
      await session.close();
      await turn.result;
    },
  },
  {
    name: `[RE5] what lies off the path outlives a turn with tools, a stopped one, an append and parks, row by row (${residency})`,
    run: async (context) => {
      const environment = await context.environment(residency);
      const turns = [scriptedText('one'), scriptedText('two'), scriptedText('three')];
      let session = await context.open(environment, playing(turns));
      const off: string[] = [];
      for (const text of ['a', 'b', 'c']) {
        await session.turn(text, { from: null }).result;
        off.push(...session.residentNodeIds().filter((id) => !off.includes(id)));
      }
      await session.branchToNode(null);
      const kept = await withStore(
        environment,
        async (store) => await Promise.all(off.map((id) => store.loadNode(id))),
      );
      const unchanged = async (): Promise<void> => {
        equal(await Promise.all(off.map((id) => session.getHistoricNode(id))), kept);
      };
      await session.close();
      const calls = [
        scriptedToolCalls([{ tool: 'echo', args: {} }]),
        scriptedText('done'),
        [{ type: 'fail', error: new Error('broken') } as const],
      ];
      session = await context.open(environment, playing(calls, { tools: [echo] }));
      await session.turn('with a tool').result;
      await unchanged();
      equal((await session.turn('that fails').result).status, 'failed');
      await unchanged();
      await session.appendSessionNodes({ nodes: [noteOf('appended')] });
      await unchanged();
      for (let count = 0; count < 2; count++) {
        session = await context.resume(await session.park(), environment, answering());
        await unchanged();
      }
      await session.close();
    },
  },
  {
    name: `[RE5][ST9] what is tombstoned stays so over a turn and a park, and vacuum removes exactly that (${residency})`,
    run: async (context) => {
      const environment = await context.environment(residency);
      let session = await context.open(environment, answering('one', 'two', 'three'));
      await session.turn('first').result;
      await session.turn('edited', { from: null }).result;
      const { items } = await session.orphanedNodeIds();
      const report = await session.maintain(async (store) => await store.tombstoneNodes(items));
      equal(report.tombstoned.length, 2);
      equal(session.view().head.nodeCount, 2);
      await session.turn('more').result;
      session = await context.resume(await session.park(), environment, answering());
      for (const id of items) await rejects(session.getHistoricNode(id), 'NodeNotFound');
      const path = await pathIds(environment);
      equal((await session.maintain(async (store) => await store.vacuum())).removedNodes, 2);
      equal((await session.maintain(async (store) => await store.vacuum())).status, 'NothingToDo');
      equal(await pathIds(environment), path);
      await session.close();
    },
  },
]);

/** The laws RE1 to RE5. */
export const residencyCases: readonly ResidencyCase[] = [...readingCases, ...boundCases, ...nodeCases];
