import { runnerImport } from 'vite';

/** @type {{ module: typeof import('./crash/main.ts') }} */
const { module } = await runnerImport('./test/crash/main.ts', { configFile: false });
process.exitCode = await module.main(process.argv.slice(2));
