import { build, type BuildEnvironmentOptions, defaultClientConditions, type Rolldown } from 'vite';

/** What a bundler makes of this script for production, with its workers, from the sources; nothing is written. */
export async function buildEntry(
  entry: string,
  options: BuildEnvironmentOptions = {},
): Promise<Rolldown.RolldownOutput['output']> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      ...options,
      rolldownOptions: { ...options.rolldownOptions, input: entry },
    },
  });
  return (built as Rolldown.RolldownOutput).output;
}
