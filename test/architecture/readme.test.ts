import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

/** The names in the README's picture of a turn. */
function picturedIn(markdown: string): readonly string[] {
  const picture = /^## A turn's events\n[\s\S]*?^```\n([\s\S]*?)^```$/mu.exec(markdown)?.[1] ?? '';
  const lines = picture.split('\n').map((line) => line.replace(/^[├│└─ ]+/u, ''));
  return lines.flatMap((line) => line.split(/ {3,}/u)[0]?.match(/[a-z]+-[a-z-]+|^[a-z]+/gu) ?? []);
}

/** The types of the events that a turn yields. */
function typesIn(source: string): readonly string[] {
  const union = /^export type TurnActivity =\n([\s\S]*?);\n\n/mu.exec(source)?.[1] ?? '';
  return [...union.matchAll(/\btype: '([a-z-]+)'/gu)].map(([, type = '']) => type);
}

test('the README pictures every event that a turn yields, and no other', () => {
  const pictured = picturedIn(readFileSync('README.md', 'utf8'));
  const types = typesIn(readFileSync('src/core/event.ts', 'utf8'));
  expect(types.length).toBeGreaterThan(10);
  expect([...new Set(pictured)].toSorted()).toEqual(types.toSorted());
});
