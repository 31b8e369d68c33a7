import { existsSync, readdirSync, readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { checkHouse, ROOMS } from './house.ts';
import { readSource, type SourceFile } from './source.ts';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((path) => `src/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readSource(path, readFileSync(path, 'utf8')));

const rooms = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && sources.some(({ path }) => path.startsWith(`src/${entry.name}/`)))
  .map((entry) => entry.name);

function referencesOf(path: string): string[] {
  const { references } = JSON.parse(readFileSync(path, 'utf8')) as { references: { path: string }[] };
  return references.map((reference) => reference.path);
}

describe('the house', () => {
  test('no rule is broken in src', () => {
    expect(sources.length).toBeGreaterThan(0);
    expect(checkHouse(sources)).toEqual([]);
  });

  test('the compiler is told the same table of rooms', () => {
    for (const room of rooms.filter((name) => name !== 'demo')) {
      const told = referencesOf(`src/${room}/tsconfig.json`).map((path) => path.replace('../', ''));
      const allowed = (ROOMS[room] ?? []).filter((name) => existsSync(`src/${name}`));
      expect(told.toSorted(), room).toEqual(allowed.toSorted());
    }
  });

  test('every room is compiled', () => {
    const compiled = referencesOf('tsconfig.json');
    expect(rooms.filter((room) => !compiled.includes(`src/${room}`))).toEqual([]);
  });

  test('the compiler left nothing in src', () => {
    const strays = readdirSync('src', { recursive: true, encoding: 'utf8' });
    expect(strays.filter((path) => /\.(?:js|map|d\.ts)$/u.test(path))).toEqual([]);
  });
});

const house = (files: Record<string, string>): SourceFile[] =>
  Object.entries(files).map(([path, text]) => readSource(path, text));

/** The rules that these files break, each once. */
const broken = (files: Record<string, string>): string[] => [
  ...new Set(checkHouse(house(files)).map(({ rule }) => rule)),
];

describe('the checks can fail', () => {
  test.each([
    ['arrows point down', 'src/core/a.ts', `import { b } from '../runtime/b.ts';`],
    ['arrows point down', 'src/core/a.ts', `import type { B } from '../turn/b.ts';`],
    ['arrows point down', 'src/core/a.ts', `export const load = () => import('../turn/b.ts');`],
    ['arrows point down', 'src/turn/a.ts', `import { b } from '../prompt/b.ts';`],
    ['arrows point down', 'src/runtime/a.ts', `import { b } from '../stores/b.ts';`],
    ['arrows point down', 'src/client/a.ts', `import { b } from '../contract/b.ts';`],
    ['arrows point down', 'src/client/a.ts', `import {\n  b,\n} from '../runtime/b.ts';`],
    ['arrows point down', 'src/protocol/a.ts', `import { b } from '../contract/b.ts';`],
    ['arrows point down', 'src/stores/a.ts', `import { b } from '../sinks/b.ts';`],
    ['arrows point down', 'src/worker/a.ts', `import { b } from '../client/b.ts';`],
    ['arrows point down', 'src/worker/a.ts', `import { b } from '../worker.ts';`],
    ['arrows point down', 'src/index.ts', `export { b } from './runtime/b.ts';`],
    ['demo enters through the doors', 'src/demo/a.ts', `import { b } from '../client/b.ts';`],
    ['rooms import by path', 'src/worker/a.ts', `import { b } from 'lash-web';`],
    ['known rooms', 'src/attic/a.ts', ''],
    ['specifiers end in .ts', 'src/core/a.ts', `import { b } from './b.js';`],
    ['zod/mini only', 'src/contract/a.ts', `import { z } from 'zod';`],
    ['zod/mini only', 'src/contract/a.ts', `import { z } from 'zod/v4';`],
    ['pure room', 'src/core/a.ts', 'export const now = (): number => Date.now();'],
    ['pure room', 'src/turn/a.ts', 'export const now = (): object => new Date();'],
    ['pure room', 'src/prompt/a.ts', 'export const dice = (): number => Math.random();'],
    ['pure room', 'src/core/a.ts', 'export const id = (): string => crypto.randomUUID();'],
    ['pure room', 'src/core/a.ts', 'export const tick = (): number => performance.now();'],
    ['pure room', 'src/core/a.ts', 'setTimeout(run, 1);'],
    ['pure room', 'src/core/a.ts', 'export async function run() {}'],
    ['pure room', 'src/core/a.ts', 'export const text = `${await one}`;'],
    ['pure room', 'src/core/a.ts', 'export type Later = Promise<string>;'],
    ['short files', 'src/core/a.ts', 'export const a = 1;\n'.repeat(401)],
    ['no enum', 'src/core/a.ts', 'export enum Colour { red }'],
    ['no enum', 'src/core/a.ts', 'const enum Colour { red }'],
    ['no any', 'src/core/a.ts', 'export const a = (b: any): void => {};'],
    ['no any', 'src/core/a.ts', 'export type A = Record<string, any>;'],
    ['no default export', 'src/core/a.ts', 'export default 1;'],
    ['no default export', 'src/core/a.ts', 'export { a as default };'],
    ['no star export', 'src/core/a.ts', `export * from './b.ts';`],
    ['no star export', 'src/core/a.ts', `export type * from './b.ts';`],
    ['no module-level state', 'src/core/a.ts', 'let count = 0;'],
    ['no module-level state', 'src/stores/a.ts', 'const cache = new Map<string, string>();'],
    ['no module-level state', 'src/stores/a.ts', 'const cache: WeakMap<A, B> = new WeakMap();'],
    ['kebab-case', 'src/core/aThing.ts', ''],
  ])('%s: %s %#', (rule, path, text) => {
    expect(broken({ [path]: text })).toContain(rule);
  });

  test('no cycles: within a room, and by type', () => {
    const files = {
      'src/core/a.ts': `import { b } from './b.ts';`,
      'src/core/b.ts': `import type { C } from './c.ts';`,
      'src/core/c.ts': `import { a } from './a.ts';`,
    };
    expect(checkHouse(house(files))).toEqual([
      {
        rule: 'no cycles',
        file: 'src/core/a.ts',
        detail: 'src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts',
      },
    ]);
  });

  test('no zod on the page: however far from the door', () => {
    const files = {
      'src/index.ts': `export { a } from './core/a.ts';`,
      'src/core/a.ts': `import { b } from './b.ts';\n/** A. */\nexport const a = b;`,
      'src/core/b.ts': `import * as z from 'zod/mini';\nexport const b = z.string();`,
    };
    expect(broken(files)).toEqual(['no zod on the page']);
  });

  test.each([
    ['none', 'export const a = 1;'],
    ['an ordinary comment', '/* A. */\nexport const a = 1;'],
    ['one of another declaration', '/** B. */\nconst b = 1;\nexport const a = b;'],
    ['none where the list exports it', 'const a = 1;\nexport { a };'],
  ])('doc comments: %s', (_name, text) => {
    const files = {
      'src/index.ts': `export { a } from './client/a.ts';`,
      'src/client/a.ts': `export { a } from '../core/a.ts';`,
      'src/core/a.ts': text,
    };
    expect(broken(files)).toEqual(['doc comments']);
    expect(broken({ ...files, 'src/core/a.ts': '/** A. */\nexport const a = 1;' })).toEqual([]);
    expect(broken({ 'src/providers/a.ts': text })).toEqual(['doc comments']);
  });

  test('a sound house passes, whatever its comments and quotes say', () => {
    const text = [
      `import { b } from './b.ts'; // import { c } from '../runtime/c.ts'`,
      `/* Date.now() any enum X */`,
      `/** Says "await" and \`Promise\`. */`,
      'export const a = (names: readonly string[]): string =>',
      `  \`async \${names.map((name) => \`\${name} await {\`).join("Math.random()")} Promise\` + b;`,
      `export const slash = /["'\`] await/u.test('let x') ? 4 / 2 : AbortSignal.any([]);`,
      `const TABLE: ReadonlyMap<string, string> = new Map([['export default', 'any']]);`,
      `export const quoted = "import { c } from '../runtime/c.ts'" + TABLE.size;`,
    ].join('\n');
    expect(checkHouse(house({ 'src/core/a.ts': text, 'src/core/b.ts': 'export const b = 1;\n' }))).toEqual(
      [],
    );
  });
});
