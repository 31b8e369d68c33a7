import { describe, expect, test } from 'vitest';

import { LashError, toWireError } from '../../src/core/error.ts';
import type { HousekeepingReport, MaintenanceStatus, SweepReport } from '../../src/core/maintenance.ts';
import { housekeepingWords } from '../../src/demo/app/housekeeping-words.ts';

const SWEEP: SweepReport = { status: 'NothingToDo', roots: 1, kept: 1, removed: 0, removedBytes: 0 };
const VACUUM = {
  status: 'Swept',
  removedNodes: 2,
  removedRows: 3,
  removedBytes: 2048,
  keptNodes: 1,
} as const;

function wordsOf(report: Partial<HousekeepingReport>): string {
  return housekeepingWords({ status: 'NothingToDo', sessions: [], attachments: null, ...report }).join(' ');
}

describe('[ST10] what housekeeping did, in words', () => {
  const statuses: readonly MaintenanceStatus[] = ['NothingToDo', 'Swept', 'Incomplete', 'Refused', 'Failed'];

  test('each status is a sentence of its own', () => {
    const sentences = statuses.map((status) => wordsOf({ status }));
    expect(new Set(sentences).size).toBe(statuses.length);
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].+\.$/u);
  });

  test('what all chats lost is added up, and what stays is said', () => {
    const session = { sessionId: 's', tombstoned: 2, vacuum: VACUUM };
    const words = wordsOf({ status: 'Swept', sessions: [session, { ...session, tombstoned: 0 }] });
    expect(words).toContain('Out of sight: 2 entries of abandoned branches, in 1 chat.');
    expect(words).toContain('Removed from storage: 4 entries (4.0 KB).');
    expect(words).toContain('out of sight, beside others: 2 entries.');
  });

  test('files that were removed are counted, and a sweep that refused says why', () => {
    const removed = { ...SWEEP, status: 'Swept', removed: 1, removedBytes: 1024 } as const;
    expect(wordsOf({ attachments: removed })).toContain('Removed from storage: 1 attached file (1.0 KB).');
    const refused = { ...SWEEP, status: 'Refused', kept: 3 } as const;
    expect(wordsOf({ attachments: refused })).toContain('no message refers to any attached file: 3 files.');
    expect(wordsOf({ attachments: SWEEP })).toBe(wordsOf({}));
  });

  test('what went wrong is said in plain words, in a chat and as a whole', () => {
    const full = toWireError(new LashError('StorageFull', 'no space', {}));
    const vacuum = { ...VACUUM, status: 'Failed', error: full } as const;
    expect(wordsOf({ sessions: [{ sessionId: 's', tombstoned: 0, vacuum }] })).toContain('no space left');
    expect(wordsOf({ status: 'Failed', error: full })).toContain('no space left');
  });
});
