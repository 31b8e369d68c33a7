import type { WireError } from '../../core/error.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { TurnWait } from '../../core/turn-wait.ts';

/** What a model call that failed waits for, if it is for somebody to bring (law TU11); else `null`. */
export function waitOf(error: WireError, policy: SessionPolicy, isOnline: boolean): TurnWait | null {
  switch (error.code) {
    case 'CredentialsRequired': {
      const { name } = error.data;
      return typeof name === 'string' ? { kind: 'credentials', name } : null;
    }
    case 'ProviderUnavailable':
      return policy.whenOffline === 'wait' && !isOnline && error.data['status'] === undefined
        ? { kind: 'offline' }
        : null;
    default:
      return null;
  }
}
