import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

/** Where a test file runs, by its ending. */
const PLACES: readonly (readonly [ending: RegExp, place: string])[] = [
  [/\.bench\.browser\.test\.ts$/u, 'bench'],
  [/\.browser\.test\.ts$/u, 'browser'],
  [/\.e2e\.ts$/u, 'e2e'],
  [/\.test\.ts$/u, 'node'],
  // Cases of a conformance suite run wherever a test file hands them to the runner.
  [/-(?:conformance|cases)\.ts$/u, 'suite'],
];

interface Law {
  readonly id: string;
  readonly places: readonly string[];
}

/** The rows of the tables in `test/README.md`: id, sentence, places. */
export function lawsOf(markdown: string): readonly Law[] {
  const rows = markdown.matchAll(/^\| ([A-Z]{2}\d+) \| [^|]+ \| ([^|]+) \|/gmu);
  return [...rows].map(([, id = '', places = '']) => ({
    id,
    places: [...places.matchAll(/\b(?:node|browser|e2e|suite)\b/gu)].map(([place]) => place),
  }));
}

/** The law ids in titles such as `[ST4][TU1] …`, with the places where they run. */
export function titlesOf(files: ReadonlyMap<string, string>): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const [path, text] of files) {
    const place = PLACES.find(([ending]) => ending.test(path))?.[1];
    if (place === undefined) continue;
    for (const [, id = ''] of text.matchAll(/\[([A-Z]{2}\d+)\]/gu)) {
      found.set(id, (found.get(id) ?? new Set()).add(place));
    }
  }
  return found;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));
}

const files = new Map(
  [...filesBelow('test'), ...filesBelow('src/testing')].map((path) => [path, readFileSync(path, 'utf8')]),
);
const laws = lawsOf(readFileSync('test/README.md', 'utf8'));

describe('every law names a test', () => {
  test('the table is found', () => {
    expect(laws.length).toBeGreaterThan(30);
  });

  const titles = titlesOf(files);
  test.each(laws)('$id is shown where the table says', ({ id, places }) => {
    expect(places.length).toBeGreaterThan(0);
    expect([...(titles.get(id) ?? [])]).toEqual(expect.arrayContaining([...places]));
  });

  test('a law without a test would be seen', () => {
    const planted = titlesOf(new Map([['test/a.test.ts', "it('[ZZ1] holds')"]]));
    expect(planted.get('ZZ1')).toEqual(new Set(['node']));
    expect(planted.get('ZZ2')).toBeUndefined();
    expect(lawsOf('| ZZ2 | a sentence | node, browser |')).toEqual([
      { id: 'ZZ2', places: ['node', 'browser'] },
    ]);
  });
});
