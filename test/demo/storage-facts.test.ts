import { expect, test } from 'vitest';

import type { RuntimeClient } from '../../src/client/runtime-client.ts';
import type { SessionSummary } from '../../src/core/policy.ts';
import { StorageFacts } from '../../src/demo/app/storage-facts.ts';

const chat = (sessionId: string, bytes: number): SessionSummary =>
  ({ sessionId, bytes }) as unknown as SessionSummary;

/** Facts of a site whose sessions take `sessionBytes`, those of agents and summaries as well. */
function facts(sessionBytes: number): StorageFacts {
  const client = {
    storage: () => Promise.resolve({ sessionBytes }),
    maintenance: { inventory: (sessionId: string) => Promise.resolve({ sessionId }) },
  };
  return new StorageFacts(
    () => client as unknown as RuntimeClient,
    () => undefined,
  );
}

test('what chats do not take of all sessions, those of agents and summaries do', async () => {
  const site = facts(83);
  await site.refresh([chat('a', 40), chat('b', 23)]);
  expect(site.helperBytes).toBe(20);
});

test('a chat that grew between the two readings leaves nothing below zero', async () => {
  const site = facts(60);
  await site.refresh([chat('a', 63)]);
  expect(site.helperBytes).toBe(0);
});
