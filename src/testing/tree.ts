import type { SessionNode } from '../core/node.ts';
import type { Author } from './author.ts';

/** Writes `commits` appends below nodes chosen without a pattern, the same ones each time: a tree with many branches. */
export async function grow(author: Author, commits: number): Promise<void> {
  const ids: (string | null)[] = [null];
  let state = 20_261_122;
  for (let written = 0; written < commits; written++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const draw = state >>> 8;
    const parent = draw % 3 === 0 ? ids[draw % ids.length] : ids.at(-1);
    const texts = Array.from({ length: 1 + (draw % 4) }, (_, index) => `${written}.${index}`);
    ids.push(...(await author.sayBelow(parent ?? null, ...texts)));
  }
}

/** The ids of these nodes and of all their ancestors. */
export function reachableFrom(nodes: readonly SessionNode[], roots: readonly string[]): ReadonlySet<string> {
  const parents = new Map(nodes.map((node) => [node.id, node.parentId]));
  const reached = new Set<string>();
  for (const root of roots) {
    for (let nodeId: string | null = root; nodeId !== null; nodeId = parents.get(nodeId) ?? null)
      reached.add(nodeId);
  }
  return reached;
}
