import type { Plugin } from 'vite';

import { buildEntry } from './build-entry.ts';

const WORKER = /\.worker\.ts\?worker_file/u;

/**
 * Serves each worker of the tests as one script, as an app's bundler makes it. As modules, of which a worker has two
 * hundred, it starts in Firefox in a second, and thousands start in a run.
 */
export const wholeWorkers: Plugin = {
  name: 'lash-web-whole-workers',
  apply: 'serve',
  enforce: 'pre',
  async load(id) {
    if (!WORKER.test(id)) return;
    const [script] = await buildEntry(id.replace(/\?.*/u, ''), {
      minify: false,
      rolldownOptions: { output: { codeSplitting: false } },
    });
    for (const module of script.moduleIds) this.addWatchFile(module);
    return script.code;
  },
};
