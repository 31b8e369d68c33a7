import type { SessionNode } from './node.ts';

/**
 * Roughly how many bytes a node takes in memory (law RE2): two per UTF-16 unit of a text or key, and what an engine
 * takes for a value besides. Engines keep Latin text in one byte per unit, so that this is up to twice too much; for data
 * of many tiny values it may be up to twice too little.
 */
export function nodeBytes(node: SessionNode): number {
  return valueBytes(node);
}

/** The bytes of all these nodes. */
export function totalBytes(nodes: Iterable<SessionNode>): number {
  let sum = 0;
  for (const node of nodes) sum += nodeBytes(node);
  return sum;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return 16 + 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 32;
  if (Array.isArray(value)) {
    for (const item of value) sum += 8 + valueBytes(item);
  } else {
    const fields = value as Readonly<Record<string, unknown>>;
    // Four times as fast as by entries; a window of hundreds is counted with each commit.
    for (const key of Object.keys(fields)) sum += 8 + 2 * key.length + valueBytes(fields[key]);
  }
  return sum;
}
