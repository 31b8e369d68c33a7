import { describe, expect, it } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { BackgroundTaskHost } from '../../src/contract/task.ts';
import { LashError } from '../../src/core/error.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { LocalBackgroundTaskHost } from '../../src/tasks/local-background-task-host.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import type { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { sessionsNamed } from '../tasks/support.ts';
import { memoryEnvironment, plays } from './support.ts';

const broken = (reason: string): LashError =>
  new LashError('StorageUnavailable', reason, { database: 'test', reason });

const fails = async (reason: string): Promise<never> => await Promise.reject(broken(reason));

/** A host whose tasks cannot be left; `left` are the sessions that tried. */
function failingHost(): { readonly host: BackgroundTaskHost; readonly left: readonly string[] } {
  const origin = new LocalBackgroundTaskHost();
  const left: string[] = [];
  const host: BackgroundTaskHost = {
    open: async (session) =>
      standIn(await origin.open(session), {
        leave: async () => {
          left.push(session.sessionId);
          await fails('the tasks cannot be left');
        },
      }),
  };
  return { host, left };
}

function environmentOf(factory: SessionStoreFactory, host: BackgroundTaskHost): RuntimeEnvironment {
  return memoryEnvironment((builder) =>
    builder.withSessionStoreFactory(factory).withBackgroundTaskHost(host),
  );
}

const options = { sessionId: 's', providers: { fake: plays() } };

describe('a session that cannot be closed as it should be', () => {
  it('[BH5] has its tasks left all the same, frees its id, and tells what failed first', async () => {
    const origin = await sessionsNamed('s');
    const { host, left } = failingHost();
    const factory = standIn(origin, {
      open: async (sessionId, mode) =>
        standIn(await origin.open(sessionId, mode), { close: async () => await fails('it does not close') }),
    });
    const environment = environmentOf(factory, host);
    const runtime = await LashRuntime.open(environment, options);
    await expect(runtime.close()).rejects.toThrow('it does not close');
    expect(left).toEqual(['s']);
    const again = await LashRuntime.open(environment, options);
    await expect(again.close()).rejects.toThrow('it does not close');
  });
});

describe('a session that cannot be opened', () => {
  it.each(['siblings', 'turns'] as const)(
    '[BH5] has its tasks left, frees its id, and says why, whatever cannot be closed (%s)',
    async (what) => {
      const origin = await sessionsNamed('s');
      const before = await LashRuntime.open(environmentOf(origin, new LocalBackgroundTaskHost()), options);
      await before.appendSessionNodes({ nodes: [{ kind: 'plugin', pluginType: 'note', data: 1 }] });
      await before.close();
      const { host, left } = failingHost();
      let isBroken = true;
      const factory = standIn(origin, {
        open: async (sessionId, mode) => {
          const store = await origin.open(sessionId, mode);
          if (!isBroken) return store;
          const cause = async (): Promise<never> => await fails('why it does not open');
          const close = async (): Promise<never> => await fails('it does not close');
          return what === 'siblings'
            ? standIn(store, { siblings: cause, close })
            : standIn(store, { turns: standIn(store.turns, { pending: cause }), close });
        },
      });
      const environment = environmentOf(factory, host);
      await expect(LashRuntime.open(environment, options)).rejects.toThrow('why it does not open');
      expect(left).toEqual(['s']);
      isBroken = false;
      const again = await LashRuntime.open(environment, options);
      await expect(again.close()).rejects.toThrow('the tasks cannot be left');
    },
  );
});
