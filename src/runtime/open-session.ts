import type { Clock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { SessionStore } from '../contract/store.ts';
import { isLashError, LashError } from '../core/error.ts';
import type { SessionMeta, SessionPolicy } from '../core/policy.ts';
import { checkPolicy } from './policy-check.ts';
import type { SecretVault } from './secrets.ts';

/** How a session is opened; an unknown id is never an empty session unless a mode says so. */
export type SessionMode = 'create' | 'open' | 'openOrCreate' | 'readOnly';

/** Which session, and what it is to be run with. */
export interface OpenRequest {
  readonly sessionId: string;
  readonly mode: SessionMode;
  readonly policy: SessionPolicy | undefined;
  readonly title: string;
}

/** Refuses an environment that needs an engine this version has not, or that cannot keep its promises (law RE3). */
export function checkEnvironment(environment: RuntimeEnvironment): void {
  const { pluginHost, backgroundTaskHost, residency, sessionStoreFactory } = environment;
  if (pluginHost.plugins.length > 0) throw unsupported('plugins');
  if (backgroundTaskHost !== null) throw unsupported('background tasks');
  if (residency === 'ActivePathOnly' && !sessionStoreFactory.persistent) {
    const reason =
      'ActivePathOnly needs a persistent session store: nodes that are not resident would be gone';
    throw new LashError('InvalidEnvironment', reason, { field: 'residency', reason });
  }
}

/** Opens or creates the session's store; a given policy replaces the stored one. */
export async function openStore(
  environment: RuntimeEnvironment,
  request: OpenRequest,
  clock: Clock,
  secrets: SecretVault,
): Promise<{ readonly store: SessionStore; readonly meta: SessionMeta }> {
  const { sessionId, mode } = request;
  const factory = environment.sessionStoreFactory;
  const policy = request.policy === undefined ? undefined : secrets.redactJson(checkPolicy(request.policy));
  const create = async (): Promise<SessionStore> => {
    if (policy === undefined) {
      const reason = 'is needed to create a session';
      throw new LashError('InvalidInput', `policy ${reason}`, { path: 'policy', reason });
    }
    const title = secrets.redactText(request.title);
    return await factory.open(sessionId, { kind: 'create', title, policy, at: clock.now() });
  };
  const open = async (): Promise<SessionStore> => await factory.open(sessionId, { kind: 'open' });
  const store =
    mode === 'create'
      ? await create()
      : mode === 'openOrCreate'
        ? await open().catch(async (error: unknown) => {
            if (isLashError(error, 'SessionNotFound')) return await create();
            throw error;
          })
        : await open();
  const meta =
    policy === undefined || mode === 'readOnly' || mode === 'create'
      ? await store.loadSessionMeta()
      : await store.saveSessionMeta({ policy, at: clock.now() });
  return { store, meta };
}

function unsupported(feature: string): LashError<'Unsupported'> {
  return new LashError(
    'Unsupported',
    `The runtime has no engine for ${feature} yet; leave them out of the environment`,
    {
      feature,
    },
  );
}
