import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { LocalBackgroundTaskHost } from '../../src/tasks/local-background-task-host.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { type StoredTree, storedTree } from '../runtime/stored-tree.ts';
import { openTree, TREE_PLUGIN } from '../runtime/tree-script.ts';
import { findFaults } from '../stores/raw-check.ts';
import { openDatabase } from '../support/open-database.ts';
import { answerCalls } from './answer-calls.ts';
import { lockViolations } from './dead-locks.ts';
import { type Boundary, Gate } from './gate.ts';
import type { TreeRecording, TreeRecovery } from './tree-report.ts';

const INPUT = 't';

async function open(database: IndexedDbDatabase): Promise<LashRuntime> {
  const environment = RuntimeEnvironment.builder()
    .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
    .withAttachmentStore(new IndexedDbAttachmentStore(database))
    .withPluginHost(new PluginHost([TREE_PLUGIN]))
    .withBackgroundTaskHost(new LocalBackgroundTaskHost())
    .build();
  return await openTree(environment);
}

/** Asks for the turn until it has ended, and looks what is stored then. */
async function end(database: IndexedDbDatabase, faults: string[]): Promise<StoredTree> {
  const runtime = await open(database);
  const { status, reason } = await runtime.turn('go', { inputId: INPUT }).result;
  if (status !== 'completed') faults.push(`it ended ${status}: ${reason}`);
  await runtime.close();
  return await storedTree(new IndexedDbSessionStoreFactory(database));
}

/** Makes the session. */
async function prepare(name: string): Promise<void> {
  const database = openDatabase(name);
  await (await open(database)).close();
  await database.close();
}

/** Runs the turn with nobody killed. */
async function record(name: string): Promise<TreeRecording> {
  const database = openDatabase(name);
  const gate = new Gate(database);
  const faults: string[] = [];
  const stored = await end(database, faults);
  await database.close();
  return { seams: gate.stores, stored, faults: [...faults, ...(await findFaults(name, true))] };
}

/** Runs the turn until the worker is held; answers whether it was. */
async function runTo(name: string, stopAt: Boundary): Promise<boolean> {
  const database = openDatabase(name);
  const gate = new Gate(database, stopAt);
  const play = async (): Promise<void> => {
    const runtime = await open(database);
    await runtime.turn('go', { inputId: INPUT }).result;
    await runtime.close();
  };
  return await Promise.race([gate.reached.then(() => true), play().then(() => false)]);
}

/** Looks at what a killed worker left behind, and goes on; held again where it is to be killed too, if it comes there. */
async function recover(name: string, stopAt: Boundary | null): Promise<TreeRecovery> {
  const faults = [...(await findFaults(name, false)), ...(await lockViolations(name))];
  const database = openDatabase(name);
  const gate = new Gate(database, stopAt ?? undefined);
  const goOn = async (): Promise<StoredTree> => {
    const stored = await end(database, faults);
    await database.close();
    faults.push(...(await findFaults(name, true)));
    return stored;
  };
  const stored = await Promise.race([gate.reached.then(() => null), goOn()]);
  return { stored, faults };
}

answerCalls({ prepare, record, runTo, recover });
