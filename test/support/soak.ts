import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { ENGINES, missingEngines } from './engines.ts';

const ROWS = ['memory', 'schedules', ...ENGINES] as const;
type Row = (typeof ROWS)[number];

/** How many of the steps in memory an engine makes: its steps are slower, and its rows are looked at. */
const PER_ENGINE = 100;

/** How many orders of a program of several tabs are tried at most. */
const SCHEDULES = 5000;

/**
 * Runs the model for long, in memory and in each engine, and every order of short programs. Arguments: `--steps` (in
 * memory, 1,000,000; a hundredth of them in each engine), `--seed`, and `--only` with the name of one row. Answers the
 * exit code.
 */
export async function soak(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      steps: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '20261122' },
      only: { type: 'string' },
    },
  });
  const steps = wholeNumber('steps', values.steps);
  const seed = wholeNumber('seed', values.seed);
  const rows = ROWS.filter((row) => values.only === undefined || row === values.only);
  if (rows.length === 0) throw new Error(`--only is one of ${ROWS.join(', ')}`);
  const missing: readonly string[] = missingEngines();
  const results: string[] = [];
  for (const row of rows) {
    const started = Date.now();
    const done = missing.includes(row) ? 'missing' : await runRow(row, steps, seed);
    results.push(`${row.padEnd(20)} ${done} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
  console.log(`\nseed ${seed}\n${results.join('\n')}`);
  return results.some((line) => line.includes('failed')) ? 1 : 0;
}

async function runRow(row: Row, steps: number, seed: number): Promise<string> {
  const inEngine = Math.ceil(steps / PER_ENGINE);
  if (row === 'memory') {
    const env = { SOAK_STEPS: `${steps}`, SOAK_SEED: `${seed}` };
    return (await vitest('node', 'test/stores/memory.model.test.ts', env))
      ? `${steps} steps passed`
      : 'failed';
  }
  if (row === 'schedules') {
    const env = { SOAK_SCHEDULES: `${SCHEDULES}`, SOAK_SEED: `${seed}` };
    return (await vitest('node', 'test/stores/schedules.test.ts', env)) ? 'passed' : 'failed';
  }
  const env = { VITE_SOAK_STEPS: `${inEngine}`, VITE_SOAK_SEED: `${seed}` };
  const passed = await vitest(row, 'test/stores/indexeddb.model.browser.test.ts', env);
  return passed ? `${inEngine} steps passed` : 'failed';
}

function vitest(project: string, file: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  const child = spawn(join(resolve('node_modules', '.bin'), 'vitest'), ['run', '--project', project, file], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return new Promise((settle) => {
    child.once('error', () => settle(false));
    child.once('exit', (code) => settle(code === 0));
  });
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${name} must be a whole number from 1 on`);
}
