import { gzipSync } from 'node:zlib';

import { build, defaultClientConditions, type Rolldown } from 'vite';
import { test } from 'vitest';
test('sizes', async () => {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: { input: 'test/size/worker.page.ts' },
    },
  });
  const { output } = built as Rolldown.RolldownOutput;
  for (const f of output) {
    const t =
      f.type === 'chunk'
        ? f.code
        : String(typeof f.source === 'string' ? f.source : new TextDecoder().decode(f.source));
    console.log(f.fileName, t.length, gzipSync(t, { level: 9 }).length);
    if (f.fileName.includes('worker.entry')) {
      const at = t.indexOf('acceptTurn');
      console.log(t.slice(at - 600, at + 1800));
    }
  }
});
