import { ENGINES } from './engines.ts';

/** One thing that `npm test` runs, and how its result is counted. */
export interface Phase {
  readonly name: string;
  /** What selects the phase on the command line, besides its name. */
  readonly groups: readonly string[];
  readonly command: readonly [program: string, ...args: string[]];
  /** `exit`: one check, passed or failed. The others write a JSON report, whose tests are counted. */
  readonly counts: 'exit' | 'vitest' | 'playwright';
  /** A named deadline: whoever takes longer hangs. */
  readonly minutes: number;
}

const vitest = (project: string, groups: readonly string[], minutes: number): Phase => ({
  name: project,
  groups,
  command: ['vitest', 'run', '--project', project, '--reporter=default', '--reporter=json'],
  counts: 'vitest',
  minutes,
});

const check = (name: string, ...command: Phase['command']): Phase => ({
  name,
  groups: ['check'],
  command,
  counts: 'exit',
  minutes: 10,
});

/** All phases, in the order in which they begin: what fails soonest first, then what takes longest. */
export const PHASES: readonly Phase[] = [
  check('types', 'tsc', '-b'),
  check('lint', 'oxlint', '--deny-warnings'),
  check('format', 'oxfmt', '--check'),
  check('unused', 'knip', '--no-progress'),
  {
    name: 'e2e',
    groups: [],
    command: ['playwright', 'test', '--config', 'test/e2e/playwright.config.ts'],
    counts: 'playwright',
    minutes: 60,
  },
  vitest('node', [], 60),
  ...ENGINES.map((engine) => vitest(engine, ['browser'], 60)),
  vitest('package', [], 15),
];

/** The phases that these arguments name; all of them where there is none. */
export function selectPhases(names: readonly string[]): readonly Phase[] {
  const unknown = names.filter(
    (name) => !PHASES.some((phase) => phase.name === name || phase.groups.includes(name)),
  );
  if (unknown.length > 0) throw new Error(`unknown phase: ${unknown.join(', ')}`);
  if (names.length === 0) return PHASES;
  return PHASES.filter((phase) => [phase.name, ...phase.groups].some((name) => names.includes(name)));
}
