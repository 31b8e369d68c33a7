import type { SetNow } from './kit/contexts.ts';
import { deleteKitDatabases } from './kit/databases.ts';
import { KIT_LOCK, type KitMessage, type KitTask } from './kit/message.ts';
import { MUTANT_COUNT, runMutants } from './kit/mutants.ts';
import { CASE_COUNT, runSuites } from './kit/suites.ts';

const scope = globalThis as unknown as DedicatedWorkerGlobalScope;

function say(message: KitMessage): void {
  scope.postMessage(message);
}

/** This worker runs nothing but the kit, so that its clock may be the kit's. */
const systemNow = Date.now;
const setNow: SetNow = (now) => {
  Date.now = now ?? systemNow;
};

async function checkStorage(): Promise<void> {
  await deleteKitDatabases();
  say({ kind: 'plan', total: CASE_COUNT });
  await runSuites(setNow, (result) => say({ kind: 'result', result }));
}

async function checkSuites(): Promise<void> {
  say({ kind: 'plan', total: MUTANT_COUNT });
  for await (const result of runMutants()) say({ kind: 'result', result });
}

async function run(task: KitTask): Promise<void> {
  await scope.navigator.locks.request(KIT_LOCK, { ifAvailable: true }, async (lock) => {
    if (lock === null) return say({ kind: 'busy' });
    await (task === 'conformance' ? checkStorage() : checkSuites());
    say({ kind: 'done' });
  });
}

scope.addEventListener('message', ({ data }: MessageEvent<KitTask>) => {
  run(data).catch((error: unknown) => scope.reportError(error));
});
