import { describe, expect, it } from 'vitest';

import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { finish, instantClock, memoryEnvironment, openWith, plays, policy, text } from './support.ts';

const code = (value: string): object => ({ code: value });

describe('opening a session', () => {
  it('an unknown id is SessionNotFound, never an empty session, unless the mode says so', async () => {
    const environment = memoryEnvironment();
    const open = (mode?: 'open' | 'readOnly' | 'openOrCreate' | 'create'): Promise<LashRuntime> =>
      LashRuntime.open(environment, { sessionId: 'x', policy, ...(mode === undefined ? {} : { mode }) });
    await expect(open()).rejects.toMatchObject(code('SessionNotFound'));
    await expect(open('readOnly')).rejects.toMatchObject(code('SessionNotFound'));
    await (await open('openOrCreate')).close();
    await (await open('openOrCreate')).close();
    await expect(open('create')).rejects.toMatchObject(code('SessionExists'));
  });

  it('of two who make a session unless it is there, the slower one opens what the other one made', async () => {
    const origin = new InMemorySessionStoreFactory();
    const factory = standIn(origin, {
      open: async (sessionId, mode) => {
        if (mode.kind === 'create') await (await origin.open(sessionId, mode)).close();
        return await origin.open(sessionId, mode);
      },
    });
    const environment = memoryEnvironment((builder) => builder.withSessionStoreFactory(factory));
    const runtime = await LashRuntime.open(environment, { sessionId: 's', mode: 'openOrCreate', policy });
    expect(runtime.view().head.revision).toBe(0);
    await runtime.close();
    const refused = LashRuntime.open(environment, { sessionId: 't', mode: 'create', policy });
    await expect(refused).rejects.toMatchObject(code('SessionExists'));
  });

  it('an empty id gets a generated one', async () => {
    const { runtime } = await openWith(plays(), { sessionId: '' });
    expect(runtime.sessionId).toMatch(/./u);
  });

  it('an id over 128 bytes is refused', async () => {
    await expect(openWith(plays(), { sessionId: 'ä'.repeat(65) })).rejects.toMatchObject(
      code('InvalidInput'),
    );
    const { runtime } = await openWith(plays(), { sessionId: 'ä'.repeat(64) });
    expect(runtime.sessionId).toHaveLength(64);
  });

  it('[PH1] a second live runtime of one session on one host is refused, and possible after the first closed', async () => {
    const { runtime, environment } = await openWith(plays(), { sessionId: 's' });
    await expect(LashRuntime.open(environment, { sessionId: 's' })).rejects.toMatchObject(
      code('SessionInUse'),
    );
    await runtime.close();
    await (await LashRuntime.open(environment, { sessionId: 's' })).close();
  });

  it('[PH1] a failed opening leaves the id free', async () => {
    const environment = memoryEnvironment();
    await expect(LashRuntime.open(environment, { sessionId: 's' })).rejects.toMatchObject(
      code('SessionNotFound'),
    );
    await (await LashRuntime.open(environment, { sessionId: 's', mode: 'create', policy })).close();
  });

  it('creating needs a policy, and a policy needs a provider and whole numbers', async () => {
    const environment = memoryEnvironment();
    const create = (over: object | undefined): Promise<LashRuntime> =>
      LashRuntime.open(environment, {
        mode: 'create',
        ...(over === undefined ? {} : { policy: { ...policy, ...over } }),
      });
    await expect(create(undefined)).rejects.toMatchObject(code('InvalidInput'));
    await expect(create({ provider: { id: '', model: 'x' } })).rejects.toMatchObject(code('InvalidInput'));
    await expect(create({ maxSteps: 0 })).rejects.toMatchObject(code('InvalidInput'));
    await expect(create({ maxContextTokens: 1.5 })).rejects.toMatchObject(code('InvalidInput'));
    await expect(create({ prompt: () => 1 })).rejects.toMatchObject(code('NotData'));
  });

  it('a policy given on open replaces the stored one, for good', async () => {
    const { runtime, environment } = await openWith(plays(), { sessionId: 's' });
    await runtime.close();
    const other = { provider: { id: 'other', model: 'o' } };
    await (await LashRuntime.open(environment, { sessionId: 's', policy: other })).close();
    const again = await LashRuntime.open(environment, { sessionId: 's' });
    expect(again.policy).toEqual(other);
  });

  it('[RE3] ActivePathOnly on a store in memory is refused with the reason', async () => {
    const environment = memoryEnvironment((builder) => builder.withResidency('ActivePathOnly'));
    await expect(LashRuntime.open(environment, { mode: 'create', policy })).rejects.toMatchObject({
      code: 'InvalidEnvironment',
      data: { field: 'residency' },
    });
  });

  it('read only: everything can be read and nothing written', async () => {
    const { runtime, environment } = await openWith(plays([text('hello'), finish()]), { sessionId: 's' });
    await runtime.turn('hi').result;
    await runtime.close();
    const reader = await LashRuntime.open(environment, { sessionId: 's', mode: 'readOnly' });
    expect(reader.view().window.nodes).toHaveLength(2);
    const { revision } = reader.view().head;
    await expect(reader.turn('more').result).rejects.toMatchObject(code('ReadOnly'));
    await expect(reader.branchToNode(null)).rejects.toMatchObject(code('ReadOnly'));
    await expect(reader.rename('x')).rejects.toMatchObject(code('ReadOnly'));
    await expect(reader.setPolicy(policy)).rejects.toMatchObject(code('ReadOnly'));
    expect(reader.view().head.revision).toBe(revision);
  });

  it('a closed session answers nothing any more', async () => {
    const { runtime } = await openWith(plays());
    await runtime.close();
    await runtime.close();
    await expect(runtime.turn('x').result).rejects.toMatchObject(code('SessionClosed'));
    await expect(runtime.readView()).rejects.toMatchObject(code('SessionClosed'));
    await expect(runtime.branches([])).rejects.toMatchObject(code('SessionClosed'));
  });

  it('closing stops a running turn and keeps what had arrived', async () => {
    const { runtime, environment } = await openWith(plays([text('half'), 'hang']), { sessionId: 's' });
    const turn = runtime.turn('hi');
    for await (const activity of turn) if (activity.type === 'text-delta') break;
    await runtime.close();
    expect((await turn.result).status).toBe('cancelled');
    const again = await LashRuntime.open(environment, { sessionId: 's' });
    expect(again.view().window.nodes).toHaveLength(2);
  });

  it('a model without a known context gets 8,192 tokens and a warning', async () => {
    const { maxContextTokens: _, ...nameless } = plays([text('hello'), finish()]);
    const { runtime, events } = await openWith(nameless, { clock: instantClock() });
    await runtime.turn('hi').result;
    const warnings = events.filter((event) => event.type === 'warning');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ message: expect.stringContaining('8192') as string });
  });
});
