import { systemClock } from '../contract/clock.ts';
import type { GcOptions } from '../contract/store.ts';
import type { GcReport } from '../core/maintenance.ts';
import { sweepAttachments } from './attachment-sweep.ts';
import { sweepComponents } from './component-sweep.ts';
import { worseStatus } from './maintenance-status.ts';
import type { SessionAccess } from './session-access.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Sweeps components and attachments, as `SessionStore.gcUnreachable` promises. */
export async function gcUnreachable(
  access: SessionAccess,
  { keepYoungerThanMs = DAY_MS, signal }: GcOptions,
): Promise<GcReport> {
  const { database, counts } = access;
  const components = await sweepComponents(access, signal);
  const now = systemClock.now();
  const options = { keepYoungerThanMs, now, counts, ...(signal === undefined ? {} : { signal }) };
  const attachments = await sweepAttachments(database, options);
  return { status: worseStatus(components.status, attachments.status), components, attachments };
}
