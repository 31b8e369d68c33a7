import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * Lets an agent of the built-in model run for long in a tab of Chromium, with tools, summaries, branches and housekeeping.
 * Arguments: `--turns` (10,000) and `--seed`. Answers the exit code.
 */
export async function soakAgent(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      turns: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '20261127' },
    },
  });
  const env = {
    SOAK_AGENT_TURNS: wholeNumber('turns', values.turns),
    SOAK_SEED: wholeNumber('seed', values.seed),
  };
  const vitest = join(resolve('node_modules', '.bin'), 'vitest');
  const child = spawn(vitest, ['run', '--project', 'node', 'test/soak/agent.test.ts'], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return await new Promise((settle) => {
    child.once('error', () => settle(1));
    child.once('exit', (code) => settle(code ?? 1));
  });
}

function wholeNumber(name: string, text: string): string {
  if (Number.isSafeInteger(Number(text)) && Number(text) > 0) return text;
  throw new Error(`--${name} must be a whole number from 1 on`);
}
