import { systemClock } from '../../../contract/clock.ts';
import type { GcOptions } from '../../../contract/store.ts';
import type { GcReport, SweepReport } from '../../../core/maintenance.ts';
import { worseStatus } from '../../rules/maintenance-status.ts';
import { inSession, type SessionAccess } from '../session-access.ts';
import { sweepAttachments } from './attachment-sweep.ts';
import { sweepComponents } from './component-sweep.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Sweeps components and attachments, as `SessionStore.gcUnreachable` promises. */
export async function gcUnreachable(
  access: SessionAccess,
  { keepYoungerThanMs = DAY_MS, only, signal }: GcOptions,
): Promise<GcReport> {
  const { database, counts } = access;
  const components = only === 'attachments' ? await leave(access) : await sweepComponents(access, signal);
  const now = systemClock.now();
  const options = { keepYoungerThanMs, now, counts, ...(signal === undefined ? {} : { signal }) };
  const attachments = only === 'components' ? await leave(access) : await sweepAttachments(database, options);
  return { status: worseStatus(components.status, attachments.status), components, attachments };
}

/** The report of what was not asked for. @throws `SessionDeleted` */
function leave(access: SessionAccess): Promise<SweepReport> {
  const report: SweepReport = { status: 'NothingToDo', roots: 0, kept: 0, removed: 0, removedBytes: 0 };
  return inSession(access, 'readonly', [], async () => report);
}
