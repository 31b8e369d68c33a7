import { gzipSync } from 'node:zlib';

import { build, defaultClientConditions, type Rolldown } from 'vite';
import { expect, test } from 'vitest';

import { tableOf } from '../bench/table.ts';

/** 1 kB is 1024 bytes here. */
const KB = 1024;

/** Builds one page for production and measures what a browser loads for `start` before anything is asked for on demand. */
async function gzippedSize(entry: string, start: string): Promise<number> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    worker: { format: 'es' },
    build: { write: false, target: 'es2022', modulePreload: false, rolldownOptions: { input: entry } },
  });
  const { output } = built as Rolldown.RolldownOutput;
  const scripts = new Map(output.map((file) => [file.fileName, textOf(file)]));
  const needed = new Set([...scripts.keys()].filter((name) => name.includes(`${start}-`)));
  expect(needed.size).toBe(1);
  for (const name of needed) {
    for (const imported of staticImports(scripts.get(name) ?? '')) needed.add(`assets/${imported}`);
  }
  return [...needed].reduce((sum, name) => sum + gzipSync(scripts.get(name) ?? '', { level: 9 }).length, 0);
}

/** A worker's scripts are assets of the build of its page. */
function textOf(file: Rolldown.OutputChunk | Rolldown.OutputAsset): string {
  if (file.type === 'chunk') return file.code;
  return typeof file.source === 'string' ? file.source : new TextDecoder().decode(file.source);
}

/** The files that a built script imports before it runs. */
function staticImports(code: string): readonly string[] {
  return [...code.matchAll(/\b(?:import|from)\s*["']\.\/([^"']+)["']/gu)].map((match) => match[1] ?? '');
}

test.each([
  {
    name: 'a page that connects to the runtime',
    entry: 'test/size/page.entry.ts',
    start: 'page.entry',
    limit: 10 * KB,
  },
  {
    name: 'a worker that serves it from IndexedDB',
    entry: 'test/size/worker.page.ts',
    start: 'worker.entry',
    limit: 50 * KB,
  },
])('$name stays within its budget', async ({ name, entry, start, limit }) => {
  const size = await gzippedSize(entry, start);
  const measured = `${(size / KB).toFixed(1)} kB gzipped`;
  const holds = size <= limit;
  console.log(tableOf([{ figure: name, measured, target: `≤ ${limit / KB} kB`, peer: '–', holds }]));
  expect(size).toBeGreaterThan(0);
  expect(size).toBeLessThanOrEqual(limit);
});
