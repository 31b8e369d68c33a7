import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

import { ENGINES } from './engines.ts';
import { installEngines } from './install-engines.ts';
import { type Phase, selectPhases } from './phases.ts';
import { type Counts, readReport } from './read-report.ts';

/** What a phase came to. */
interface Result extends Counts {
  readonly note?: string;
}

/** So many phases run at once: most of each one's time is a browser that waits. */
const LANES = 2;

const NEEDS_ENGINES: readonly string[] = [...ENGINES, 'e2e', 'package'];

/** Runs the phases that the arguments name, prints what came out, and answers the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const phases = selectPhases(args);
  const missing: readonly string[] = phases.some(({ name }) => NEEDS_ENGINES.includes(name))
    ? installEngines()
    : [];
  const reports = mkdtempSync(join(tmpdir(), 'lash-web-reports-'));
  const results = new Map<string, Result>();
  const waiting = [...phases];
  const lanes = Math.min(LANES, phases.length);
  const runLane = async (): Promise<void> => {
    for (let phase = waiting.shift(); phase !== undefined; phase = waiting.shift()) {
      const counts = missing.includes(phase.name)
        ? missingEngine(phase.name)
        : await runPhase(phase, join(reports, `${phase.name}.json`), lanes > 1);
      results.set(phase.name, counts);
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, runLane));
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
  console.log('');
  for (const { name } of phases) {
    const counts = results.get(name) ?? failed('was not run');
    results.set(name, counts);
    console.log(
      `${name.padEnd(20)} ${summary(counts)}${counts.note === undefined ? '' : `  (${counts.note})`}`,
    );
  }
  const total = (key: 'passed' | 'failed' | 'skipped'): number =>
    [...results.values()].reduce((sum, counts) => sum + counts[key], 0);
  const all = { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
  // Said again at the end, since a log is often kept without its middle.
  for (const [phase, { failures }] of results)
    for (const failure of failures) console.log(`failed in ${phase}: ${failure}`);
  console.log(summary(all));
  return all.failed === 0 && all.passed > 0 ? 0 : 1;
}

function summary({ passed, failed, skipped }: Omit<Counts, 'failures'>): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const failed = (note: string): Result => ({ passed: 0, failed: 1, skipped: 0, failures: [], note });

function missingEngine(engine: string): Result {
  const note = `no ${engine} on this machine`;
  console.log(`\n== ${engine}: skipped, ${note}`);
  return process.env['CI'] ? failed(note) : { passed: 0, failed: 0, skipped: 1, failures: [], note };
}

/** With `quiet` what it prints comes when it is over, so that phases that run at once are not mixed up. */
async function runPhase(phase: Phase, report: string, quiet: boolean): Promise<Result> {
  console.log(`\n== ${phase.name}${quiet ? ' begins' : ''}`);
  const started = Date.now();
  const { code, output } = await execute(phase, report, quiet);
  if (quiet) console.log(`\n== ${phase.name}\n${output}`);
  const counts = phase.counts === 'exit' ? countExit(code) : countReport(phase.counts, report, code);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`== ${phase.name}: ${summary(counts)} in ${seconds} s`);
  return counts;
}

/** How a phase ended: `code` is `undefined` where the deadline ended it. */
interface Ended {
  readonly code: number | undefined;
  readonly output: string;
}

function execute(phase: Phase, report: string, quiet: boolean): Promise<Ended> {
  const [program, ...args] = phase.command;
  const bin = resolve('node_modules', '.bin');
  const reportTo = phase.counts === 'vitest' ? [`--outputFile.json=${report}`] : [];
  const child = spawn(join(bin, program), [...args, ...reportTo], {
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    // A group of its own, so that a hanging phase ends together with the browsers that it started.
    detached: true,
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      PLAYWRIGHT_JSON_OUTPUT_FILE: report,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const endGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has ended already.
    }
  };
  return new Promise((settle) => {
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      console.error(`== ${phase.name}: no end after ${phase.minutes} minutes, stopped`);
      endGroup('SIGTERM');
      setTimeout(() => endGroup('SIGKILL'), 5_000).unref();
    }, phase.minutes * 60_000);
    const interrupt = (): void => {
      endGroup('SIGTERM');
      process.exitCode = 130;
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    const finish = (code: number | undefined): void => {
      clearTimeout(deadline);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      settle({ code: late ? undefined : code, output });
    };
    child.once('error', (error) => {
      console.error(error.message);
      finish(1);
    });
    child.once('close', (code) => finish(code ?? 1));
  });
}

const countExit = (code: number | undefined): Counts => ({
  passed: code === 0 ? 1 : 0,
  failed: code === 0 ? 0 : 1,
  skipped: 0,
  failures: [],
});

/** What the report says; and one failure more where the run failed, or ran nothing, without a test to blame. */
function countReport(format: 'vitest' | 'playwright', path: string, code: number | undefined): Result {
  let counts: Counts;
  try {
    counts = readReport(format, readFileSync(path, 'utf8'));
  } catch {
    return failed('no report');
  }
  if (counts.failed > 0) return counts;
  if (code !== 0)
    return { ...counts, failed: 1, note: code === undefined ? 'took too long' : `exit code ${code}` };
  return counts.passed > 0 ? counts : { ...counts, failed: 1, note: 'no test ran' };
}
