import { runnerImport } from 'vite';

/** @type {{ module: typeof import('./support/run.ts') }} */
const { module } = await runnerImport('./test/support/run.ts', { configFile: false });
process.exitCode = await module.run(process.argv.slice(2));
