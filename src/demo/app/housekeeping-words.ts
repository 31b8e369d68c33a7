import type { HousekeepingReport, MaintenanceStatus, SweepReport } from 'lash-web';

import { adviceFor } from './error-advice.ts';
import { byteCount, count } from './format.ts';

const OPENINGS: Readonly<Record<MaintenanceStatus, string>> = {
  NothingToDo: 'Nothing was left lying around.',
  Swept: 'Everything was tidied up.',
  Incomplete: 'A part was tidied up; the next run goes on.',
  Refused: 'Another tab is at it already, so nothing was done here.',
  Failed: 'It could not be finished.',
};

/** What one run of housekeeping did, in sentences. */
export function housekeepingWords(report: HousekeepingReport): readonly string[] {
  const words = [OPENINGS[report.status]];
  const tombstoned = sum(report.sessions.map((session) => session.tombstoned));
  const nodes = sum(report.sessions.map(({ vacuum }) => vacuum.removedNodes));
  const bytes = sum(report.sessions.map(({ vacuum }) => vacuum.removedBytes));
  const kept = sum(report.sessions.map(({ vacuum }) => vacuum.keptNodes));
  if (tombstoned > 0)
    words.push(`Out of sight: ${entries(tombstoned)} of abandoned branches, in ${chats(report)}.`);
  if (nodes > 0) words.push(`Removed from storage: ${entries(nodes)} (${byteCount(bytes)}).`);
  if (kept > 0) words.push(`Still in storage, out of sight, beside others: ${entries(kept)}.`);
  if (report.attachments !== null) words.push(...attachmentWords(report.attachments));
  const failed = report.sessions.flatMap(({ vacuum }) => vacuum.error ?? []);
  if (report.error !== undefined) failed.push(report.error);
  for (const error of failed) words.push(adviceFor(error).text);
  return words;
}

function attachmentWords({ status, removed, removedBytes, kept }: SweepReport): readonly string[] {
  if (status === 'Refused')
    return [`Left alone, since no message refers to any attached file: ${of(kept, 'file')}.`];
  if (removed > 0)
    return [`Removed from storage: ${of(removed, 'attached file')} (${byteCount(removedBytes)}).`];
  return [];
}

function chats({ sessions }: HousekeepingReport): string {
  return of(sessions.filter(({ tombstoned }) => tombstoned > 0).length, 'chat');
}

function entries(value: number): string {
  return value === 1 ? '1 entry' : `${count(value)} entries`;
}

function of(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? '' : 's'}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
