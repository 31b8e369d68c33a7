import type { TraceExport } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy } from './page.ts';

async function linesOf({
  stream,
}: TraceExport): Promise<{ type: string; context: { session_id?: string } }[]> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) text += chunk.value;
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { type: string; context: { session_id?: string } });
}

test('[TR3] a trace is exported as a stream of lines, of one session or of all', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const one = await client.createSession({ id: 'one', policy });
  const other = await client.createSession({ id: 'other', policy });
  await one.turn('say hi').result;
  await other.turn('say ho').result;
  const all = await client.exportTrace();
  expect(all.fileName).toBe('a_run_of_tests.jsonl');
  const lines = await linesOf(all);
  expect(new Set(lines.map(({ context }) => context.session_id))).toEqual(new Set(['one', 'other']));
  const ofOne = await linesOf(await client.exportTrace({ sessionId: 'one' }));
  expect(ofOne).toEqual(lines.filter(({ context }) => context.session_id === 'one'));
  expect(ofOne[0]?.type).toBe('turn_started');
  expect(ofOne.at(-1)?.type).toBe('turn_completed');
});

test('[TR3] an export reads on only as it is consumed, and small chunks add up to the same lines', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const session = await client.createSession({ policy });
  for (let index = 0; index < 5; index++) {
    await session.turn('say hi').result;
    // A read writes what waits: each turn lies in rows of its own.
    await client.readTrace();
  }
  const whole = await client.readTrace();
  expect(whole.done).toBe(true);
  let text = '';
  let chunks = 0;
  let cursor: string | undefined;
  for (let done = false; !done; chunks++) {
    const chunk = await client.readTrace({ maxBytes: 500, ...(cursor === undefined ? {} : { cursor }) });
    text += chunk.text;
    ({ cursor, done } = chunk);
  }
  expect(chunks).toBeGreaterThan(3);
  expect(text).toBe(whole.text);
});

test('an environment that keeps no trace says so', async () => {
  const client = await connect();
  const error = await failure(client.exportTrace(), 'InvalidEnvironment');
  expect(error.data.field).toBe('traceSink');
  const kept = await connect({ config: { database: newDatabase() } });
  await failure(kept.exportTrace({ name: 'another' }), 'InvalidEnvironment');
});
