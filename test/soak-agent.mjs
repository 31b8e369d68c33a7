import { runnerImport } from 'vite';

/** @type {{ module: typeof import('./support/soak-agent.ts') }} */
const { module } = await runnerImport('./test/support/soak-agent.ts', { configFile: false });
process.exitCode = await module.soakAgent(process.argv.slice(2));
