import type { Seeded } from '../stores/seeded.ts';

/** What is killed: a worker, the page with its worker, the whole browser. */
export const KINDS = ['worker', 'renderer', 'browser'] as const;
export type Kind = (typeof KINDS)[number];

/** How many kills of each kind. */
export type Kills = Readonly<Record<Kind, number>>;

/** One in so many kills is followed by another one. */
export const TWICE = 5;

/** How many kills these are. */
export function sumOf(kills: Kills): number {
  return KINDS.reduce((sum, kind) => sum + kills[kind], 0);
}

/** Two tenths renderers, one tenth browsers, the rest workers. */
export function killsOf(total: number): Kills {
  const renderer = Math.floor(total / 5);
  const browser = Math.floor(total / 10);
  return { worker: total - renderer - browser, renderer, browser };
}

/** These in an order that the seed says. */
export function shuffled<Item>(items: readonly Item[], chance: Seeded): readonly Item[] {
  const rest = [...items];
  const order: Item[] = [];
  while (rest.length > 0) order.push(...rest.splice(chance.below(rest.length), 1));
  return order;
}
