import { gzipSync } from 'node:zlib';

import { build, defaultClientConditions, type Rolldown } from 'vite';
import { expect, test } from 'vitest';

/** 1 kB is 1024 bytes here. */
const KB = 1024;

/** Builds one entry for production and measures what a browser loads before anything is asked for on demand. */
async function gzippedSize(entry: string): Promise<number> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: { write: false, target: 'es2022', modulePreload: false, rolldownOptions: { input: entry } },
  });
  const { output } = built as Rolldown.RolldownOutput;
  const chunks = new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file]] : [])));
  const needed = new Set(
    [...chunks.values()].filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName),
  );
  for (const name of needed) for (const imported of chunks.get(name)?.imports ?? []) needed.add(imported);
  return [...needed].reduce(
    (sum, name) => sum + gzipSync(chunks.get(name)?.code ?? '', { level: 9 }).length,
    0,
  );
}

test.each([
  { name: 'a page that connects to the runtime', entry: 'test/size/page.entry.ts', limit: 8 * KB },
  { name: 'a worker that serves it from IndexedDB', entry: 'test/size/worker.entry.ts', limit: 50 * KB },
])('$name stays within its budget', async ({ name, entry, limit }) => {
  const size = await gzippedSize(entry);
  console.log(`${name}: ${(size / KB).toFixed(1)} kB gzipped, at most ${limit / KB} kB`);
  expect(size).toBeGreaterThan(0);
  expect(size).toBeLessThanOrEqual(limit);
});
