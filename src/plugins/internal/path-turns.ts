import { messageOf, type SessionNode } from '../../core/node.ts';

/** Whether a turn begins with this node: a message that came while a turn ran belongs to that turn. */
export function beginsTurn(node: SessionNode): boolean {
  const { body } = node;
  if (body.kind !== 'conversation' || messageOf(node, 'user') === undefined) return false;
  return body.turnIndex !== undefined || body.turnId === undefined;
}

/** Whether the user's message of this number is here. */
export function isTurn({ body }: SessionNode, turnIndex: number): boolean {
  return body.kind === 'conversation' && body.message.role === 'user' && body.turnIndex === turnIndex;
}

/** The nodes turn by turn. What lies before the first turn is as one. */
export function turnsOf<T extends { readonly node: SessionNode }>(nodes: readonly T[]): readonly T[][] {
  return grouped(nodes, beginsTurn);
}

/** The nodes of a turn step by step: a step begins with the model's message. What lies before the first one is as one. */
export function stepsOf<T extends { readonly node: SessionNode }>(nodes: readonly T[]): readonly T[][] {
  return grouped(nodes, (node) => messageOf(node, 'assistant') !== undefined);
}

function grouped<T extends { readonly node: SessionNode }>(
  nodes: readonly T[],
  begins: (node: SessionNode) => boolean,
): readonly T[][] {
  const groups: T[][] = [];
  for (const item of nodes) {
    const group = groups.at(-1);
    if (group === undefined || begins(item.node)) groups.push([item]);
    else group.push(item);
  }
  return groups;
}
