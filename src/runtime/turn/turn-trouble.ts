import type { SessionParts } from '../model/model-caller.ts';

/** Traces why a turn could not be gone on with now: nobody waits for that, and it is tried again. */
export function traceTrouble(
  { tracer, secrets, history }: Pick<SessionParts, 'tracer' | 'secrets' | 'history'>,
  cause: unknown,
): void {
  const { code, message } = secrets.redactError(cause);
  const payload = { code, message };
  tracer.write({ session_id: history.sessionId }, { type: 'custom', name: 'turn_not_resumed', payload });
}
