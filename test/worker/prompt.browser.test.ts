import { messageOf, messageText, type PromptLayerData, type SessionClient } from 'lash-web';
import { expect, test } from 'vitest';

import { connect, policy, within } from './page.ts';

const worker = (): Worker => new Worker(new URL('./prompt.worker.ts', import.meta.url), { type: 'module' });

/** The system prompt that a turn's model was given. */
async function promptOf(session: SessionClient, prompt?: PromptLayerData): Promise<string> {
  await within(session.turn('?', prompt === undefined ? {} : { prompt }).result);
  const answer = session.getSnapshot().window.nodes.at(-1);
  const message = answer === undefined ? undefined : messageOf(answer, 'assistant');
  return message === undefined ? '' : messageText(message);
}

const adds = (content: string): PromptLayerData => ({
  slots: { guidance: { reset: false, contributions: [{ slot: 'guidance', content }] } },
});

test('a prompt is a template with slots, and layers of environment, plugins, session and turn fill, replace and clear them', async () => {
  const client = await connect({}, worker);
  const session = await client.createSession({ policy: { ...policy, prompt: adds('Be kind.') } });
  expect(await promptOf(session, adds('Rhyme.'))).toBe(
    '## How\n\nBe brief.\n\nBe kind.\n\nRhyme.\n\n## Where\n\nA browser.\n\nIt rains.',
  );
  expect(await promptOf(session)).not.toContain('Rhyme.');
  await session.setPolicy({ prompt: { slots: { runtime_context: { reset: true, contributions: [] } } } });
  expect(await promptOf(session)).toBe('## How\n\nBe brief.\n\n## Where\n\nA browser.');
  const alone = {
    guidance: { reset: true, contributions: [{ slot: 'guidance', content: 'Shout.' }] },
  } as const;
  expect(await promptOf(session, { slots: alone })).toContain('## How\n\nShout.\n\n## Where');
});
