import type { RuntimeClient, SessionClient, SessionView } from 'lash-web';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { connect, failure, newDatabase, policy, within } from './page.ts';

const worker = (): Worker => new Worker(new URL('./plugins.worker.ts', import.meta.url), { type: 'module' });

/** A page of its own, with a worker of its own. */
async function page(database: string): Promise<{ readonly client: RuntimeClient; readonly worker: Worker }> {
  const own = worker();
  return { client: await connect({ config: { database } }, own), worker: own };
}

const plan = (...steps: readonly (readonly [text: string, done: boolean])[]): SessionView['plugins'] => ({
  plan: { steps: steps.map(([text, done]) => ({ text, done })) },
});
const says = (of: SessionView['plugins']): string => `call plan ${JSON.stringify(of['plan'])}`;

const shows = async (session: SessionClient, plugins: SessionView['plugins']): Promise<void> =>
  await eventually(() => expect(session.getSnapshot().plugins).toEqual(plugins));

const [first, second] = [plan(['bread', false], ['milk', false]), plan(['bread', true], ['milk', false])];

test('[PS1] a page sees what a plugin keeps, on each branch, and again after a reload', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  expect(session.getSnapshot().plugins).toEqual(plan());
  const { leaf } = await within(session.turn(says(first)).result);
  await shows(session, first);
  await within(session.turn(says(second)).result);
  await shows(session, second);
  await session.branchToNode(leaf);
  await shows(session, first);
  before.worker.terminate();
  const after = await (await page(database)).client.openSession('s');
  await shows(after, first);
});

test('[PS2] what a plugin changed in a turn that its tab did not survive is there, or is made again', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  const turn = session.turn(says(first), { inputId: 't' });
  turn.result.catch(() => undefined);
  await within(turn.accepted);
  before.worker.terminate();
  const after = await (await page(database)).client.openSession('s');
  expect((await within(after.turn(says(first), { inputId: 't' }).result)).status).toBe('completed');
  await shows(after, first);
});

test('[PS2] an action changes what a plugin keeps, and another tab sees it', async () => {
  const database = newDatabase();
  const session = await (await page(database)).client.createSession({ id: 's', policy });
  const other = await (await page(database)).client.openSession('s');
  await within(session.turn(says(first)).result);
  await shows(other, first);
  expect(await within(other.runAction('plan', 'clear'))).toBeNull();
  await shows(session, plan());
  await failure(session.runAction('plan', 'burn'), 'PluginActionNotFound');
  await failure(session.runAction('nobody', 'clear'), 'PluginActionNotFound');
});

test.each([
  ['throws', 'throw', 'threw'],
  ['hangs', 'hang', 'late'],
])('[PL2][PL3] a plugin that %s is named, and the session goes on', async (_, said, problem) => {
  const session = await (await page(newDatabase())).client.createSession({ policy });
  const result = await within(session.turn(`say ${said}`).result);
  const data = { plugin: 'moody', hook: 'transformAnswer', problem };
  expect(result).toMatchObject({
    status: 'failed',
    reason: 'plugin_error',
    error: { code: 'PluginFailed', data },
  });
  expect((await within(session.turn('say fine').result)).status).toBe('completed');
});
