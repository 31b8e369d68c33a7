import { runnerImport } from 'vite';

/** @type {{ module: typeof import('./support/soak.ts') }} */
const { module } = await runnerImport('./test/support/soak.ts', { configFile: false });
process.exitCode = await module.soak(process.argv.slice(2));
