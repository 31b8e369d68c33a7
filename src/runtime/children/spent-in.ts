import type { UsageEntry } from '../../core/usage.ts';

/** What a child used in all, as its parent counts it: its own tokens as `source`, its children's as what they were. */
export function spentIn(ledger: readonly UsageEntry[], source = 'child'): readonly UsageEntry[] {
  return ledger.map((entry) => (entry.source === 'turn' ? { ...entry, source } : entry));
}
