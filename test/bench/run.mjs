import { runnerImport } from 'vite';

/** @type {{ module: typeof import('./run.ts') }} */
const { module } = await runnerImport('./test/bench/run.ts', { configFile: false });
process.exitCode = await module.run(process.argv.slice(2));
