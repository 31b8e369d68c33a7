import { relative } from 'node:path';

/** So many lines of what a test said are in its failure. */
const LINES = 6;

/** What a report says of its tests. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each failed test by file and title, with the first lines of what it said. */
  readonly failures: readonly string[];
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

interface PlaywrightSuite {
  readonly suites?: readonly PlaywrightSuite[];
  readonly specs: readonly {
    readonly file: string;
    readonly title: string;
    readonly tests: readonly {
      readonly projectName: string;
      readonly status: string;
      readonly results: readonly { readonly error?: { readonly message?: string } }[];
    }[];
  }[];
}

interface PlaywrightReport {
  readonly stats: Record<'expected' | 'unexpected' | 'flaky' | 'skipped', number>;
  readonly suites: readonly PlaywrightSuite[];
}

/** Counts the tests of a JSON report. @throws if it is none */
export function readReport(format: 'vitest' | 'playwright', json: string): Counts {
  const report: unknown = JSON.parse(json);
  return format === 'vitest' ? ofVitest(report as VitestReport) : ofPlaywright(report as PlaywrightReport);
}

function ofVitest(report: VitestReport): Counts {
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: report.testResults.flatMap(({ name, status, message, assertionResults }) => {
      const failed = assertionResults.filter((test) => test.status === 'failed');
      // A file that could not be loaded has no test to blame.
      if (failed.length === 0) return status === 'failed' ? [told(relative('.', name), '', message)] : [];
      return failed.map((test) => told(relative('.', name), test.fullName, test.failureMessages?.[0]));
    }),
  };
}

function ofPlaywright({ stats, suites }: PlaywrightReport): Counts {
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky,
    skipped: stats.skipped,
    failures: suites.flatMap(failuresIn),
  };
}

function failuresIn({ suites = [], specs }: PlaywrightSuite): readonly string[] {
  const own = specs.flatMap(({ file, title, tests }) =>
    tests
      .filter(({ status }) => status === 'unexpected' || status === 'flaky')
      .map(({ projectName, results }) =>
        told(
          `[${projectName}] ${file}`,
          title,
          results.find(({ error }) => error !== undefined)?.error?.message,
        ),
      ),
  );
  return [...own, ...suites.flatMap(failuresIn)];
}

/** The error's first lines: in Firefox they are of its stack alone, and say where, not what. */
function told(place: string, title: string, message = ''): string {
  const lines = message.split('\n').slice(0, LINES);
  return [`${place} ${title}`, ...lines].join('\n    ');
}
