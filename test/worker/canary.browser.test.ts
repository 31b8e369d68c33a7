import type { SessionClient } from 'lash-web';
import { expect, test } from 'vitest';

import { API_KEY, leaks, REGISTERED } from '../support/canary.ts';
import { storedText } from '../support/stored-data.ts';
import { connect, newDatabase, within } from './page.ts';

const canaryWorker = (): Worker =>
  new Worker(new URL('./canary.worker.ts', import.meta.url), { type: 'module' });

const SECRETS = { REGISTERED, API_KEY };

/** Sees that `text` was written by what the secrets went through, and that none of them is in it. */
function expectClean(place: string, text: string): void {
  expect(text, `${place} was looked at`).toContain('heron');
  expect(text, `${place} was looked at`).toContain('[redacted]');
  for (const [name, secret] of Object.entries(SECRETS))
    expect(leaks(secret, text), `${name} in ${place}`).toEqual([]);
}

/** Runs a turn and gives back, as text, all that the page was told of it. */
async function told(session: SessionClient, input: string): Promise<string> {
  const seen: unknown[] = [];
  const unsubscribe = session.subscribe(() => seen.push(session.getSnapshot()));
  const turn = session.turn(input);
  for await (const activity of turn) seen.push(activity);
  seen.push(await within(turn.result), session.getSnapshot());
  unsubscribe();
  return JSON.stringify(seen);
}

test('[SE1] secrets that model, tools, user and errors repeat are in nothing that is stored, traced, emitted or thrown', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database } }, canaryWorker);
  await client.setCredentials('key', API_KEY);
  const session = await client.createSession({
    title: `heron ${REGISTERED}`,
    policy: {
      provider: { id: 'talkative', model: 'talkative', credentials: 'key', options: { note: API_KEY } },
    },
  });

  expectClean('a plain answer', await told(session, `heron ${REGISTERED} and ${API_KEY}, hello`));
  expectClean('an answer with tools', await told(session, 'tools'));
  for (const failing of ['refuse', 'break'])
    expectClean(`the failure "${failing}"`, await told(session, failing));
  await session.rename(`heron ${API_KEY}`);
  expectClean('the list of sessions', JSON.stringify(await client.listSessions({})));
  const thrown: unknown = await client.openSession(`heron-${REGISTERED}`).catch((error: unknown) => error);
  const { message, data, stack = '' } = thrown as Error & { data: unknown };
  expectClean('a thrown error', [message, JSON.stringify(data), stack].join('\n'));

  const exported = await client.exportTrace({});
  expectClean('the trace', await new Response(exported.stream).text());
  expectClean('the databases', await storedText(database));
});

test('[SE1] the search would find a secret that is there', async () => {
  const database = newDatabase();
  const request = indexedDB.open(database, 1);
  await new Promise<void>((resolve) => {
    request.addEventListener('upgradeneeded', () => {
      const store = request.result.createObjectStore('rows');
      store.put({ deep: [{ text: `a ${REGISTERED} b` }] }, 1);
      store.put(new TextEncoder().encode(btoa(`x${API_KEY}y`)).buffer, 2);
    });
    request.addEventListener('success', () => resolve());
  });
  request.result.close();
  const text = await storedText(database);
  expect(leaks(REGISTERED, text)).toEqual(['plain']);
  expect(leaks(API_KEY, text)).toEqual(['base64 behind 1 bytes']);
  indexedDB.deleteDatabase(database);
});
