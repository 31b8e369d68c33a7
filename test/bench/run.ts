import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { LINE_START } from './table.ts';

/** What is run, one after the other: whoever runs beside another one is measured wrongly. */
const RUNS = [
  ['--project', 'bench'],
  ['--project', 'bench-workers'],
  ['--project', 'node', 'test/size'],
] as const;

const HEADER = /^\| figure \|/u;

/**
 * Runs all benchmarks and prints every figure once more, in one table. `--turns N` and `--orphans N` set how long the long
 * session is and how much lies off the path, `--kills N` how many tabs crash or freeze. Answers the exit code.
 */
export async function run(args: readonly string[]): Promise<number> {
  const options = {
    turns: { type: 'string' },
    orphans: { type: 'string' },
    kills: { type: 'string' },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const env = {
    ...process.env,
    ...(values.turns === undefined ? {} : { LASH_BENCH_TURNS: values.turns }),
    ...(values.orphans === undefined ? {} : { LASH_BENCH_ORPHANS: values.orphans }),
    ...(values.kills === undefined ? {} : { LASH_BENCH_KILLS: values.kills }),
  };
  const lines: string[] = [];
  let failed = 0;
  for (const selection of RUNS) {
    const { code, output } = await vitest(selection, env);
    if (code !== 0) failed = 1;
    lines.push(...output.split('\n').filter((line) => line.startsWith(LINE_START)));
  }
  const [header = '', ...rest] = lines;
  console.log(['', header, ...rest.filter((line) => !HEADER.test(line)), ''].join('\n'));
  return failed;
}

async function vitest(
  selection: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly output: string }> {
  const bin = join(resolve('node_modules', '.bin'), 'vitest');
  const child = spawn(bin, ['run', ...selection], { stdio: ['ignore', 'pipe', 'inherit'], env });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    output += data;
    process.stdout.write(data);
  });
  const code = await new Promise<number>((settle, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => settle(exit ?? 1));
  });
  return { code, output };
}
