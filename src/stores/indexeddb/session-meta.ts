import type { SessionMetaChange } from '../../contract/store.ts';
import type { SessionMeta } from '../../core/policy.ts';
import { checkMeta } from '../rules/meta-check.ts';
import { decodeMeta, metaOf } from './graph/decode.ts';
import { inSession, type SessionAccess } from './session-access.ts';

/** Replaces title and policy, as `SessionStore.saveSessionMeta` promises. Written again, it is the same (law ST16). */
export async function saveMeta(access: SessionAccess, change: SessionMetaChange): Promise<SessionMeta> {
  checkMeta(change);
  const { sessionId } = access;
  const { title, policy, at } = change;
  return inSession(
    access,
    'readwrite',
    ['meta'],
    async (rows, head) => {
      const meta = decodeMeta(sessionId, await rows.get('meta', sessionId));
      const row = { ...meta, title: title ?? meta.title, policy: policy ?? meta.policy };
      rows.put('meta', row);
      rows.put('heads', { ...head, updatedAt: at });
      return metaOf(row, at);
    },
    true,
  );
}
