import { expect, test } from 'vitest';

import { PageProviders } from '../../src/client/page-providers.ts';
import type { MakeCall } from '../../src/client/session.ts';
import { LashError } from '../../src/core/error.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';

const request = { sessionId: 's', system: '', messages: [], tools: [] };

test('a batch that the worker refuses ends the call there too, so that no turn waits for more', async () => {
  const sent: unknown[] = [];
  const call = (async (name: string, batch: { readonly events?: readonly ModelEvent[] }) => {
    if (name !== 'modelEvents') return;
    sent.push(batch);
    if (batch.events?.length !== 0) throw new LashError('InvalidInput', 'no', { path: '$', reason: 'no' });
    return false;
  }) as MakeCall;
  const providers = new PageProviders(call);
  await providers.offer('p', {
    model: 'm',
    async *stream() {
      yield { type: 'text-delta', text: 'hi' };
    },
  });
  await providers.run(1, 'p', request);
  expect(sent).toMatchObject([
    { call: 1, events: [{ text: 'hi' }] },
    { call: 1, events: [], end: { ok: false, error: { code: 'InvalidInput' } } },
  ]);
});
