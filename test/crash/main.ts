import { parseArgs } from 'node:util';

import { runCampaign } from './campaign.ts';
import { killsOf, sumOf } from './kills.ts';
import { runTabKills } from './tab-kills.ts';
import { runTreeKills } from './tree-kills.ts';
import { runTurnKills } from './turn-kills.ts';

/**
 * `npm run crash -- --kills 1000 --seed 1`: prints what was killed and what was wrong after it, answers the exit code. With
 * `--only stores`, `--only turns` or `--only trees` all kills are of that script, else each has a third of them. With
 * `--tabs 1000` so many tabs that run a turn are killed or frozen instead, while two others have its session open.
 */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '50' },
      seed: { type: 'string' },
      only: { type: 'string' },
      tabs: { type: 'string' },
    },
  });
  const { only, tabs } = values;
  if (only !== undefined && !isScript(only)) throw new Error(`no script ${only}`);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const total = Number(values.kills);
  console.log(`seed ${seed}`);
  const violations: string[] = [];
  if (tabs !== undefined) violations.push(...(await killTabs(Number(tabs), seed)));
  else if (only !== undefined) violations.push(...(await SCRIPTS[only](total, seed)));
  else
    for (const kill of Object.values(SCRIPTS))
      violations.push(...(await kill(Math.ceil(total / Object.keys(SCRIPTS).length), seed)));
  for (const violation of violations) console.error(violation);
  console.log(`${violations.length} violations, seed ${seed}`);
  return violations.length === 0 ? 0 : 1;
}

const SCRIPTS = { stores: killStores, turns: killTurns, trees: killTrees };

const isScript = (name: string): name is keyof typeof SCRIPTS => Object.hasOwn(SCRIPTS, name);

async function killStores(total: number, seed: number): Promise<readonly string[]> {
  const started = Date.now();
  const outcome = await runCampaign({ kills: killsOf(total), seed, rounds: 2, progress: console.log });
  const { kills, twice, boundaries, covered, violations } = outcome;
  const byKind = `${kills.worker} workers, ${kills.renderer} renderers, ${kills.browser} browsers`;
  console.log(`stores: ${sumOf(kills)} kills: ${byKind}; ${twice} of them twice`);
  console.log(`${covered} of ${boundaries} boundaries, ${seconds(started)}`);
  return violations;
}

async function killTurns(total: number, seed: number): Promise<readonly string[]> {
  const started = Date.now();
  const outcome = await runTurnKills({ kills: killsOf(total), seed, progress: console.log });
  const { counts, twice, followed, points, covered, violations } = outcome;
  const each = [...counts]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([where, count]) => `${where} ${count}`);
  console.log(`turns: ${total} kills: ${each.join(', ')}`);
  console.log(`${twice} of them twice, ${followed} with another tab that followed`);
  console.log(`${covered} of ${points} points, ${seconds(started)}`);
  return violations;
}

async function killTrees(total: number, seed: number): Promise<readonly string[]> {
  const started = Date.now();
  const outcome = await runTreeKills({ kills: killsOf(total), seed, progress: console.log });
  const { twice, covered, points, violations } = outcome;
  console.log(
    `trees: ${total} kills, ${twice} of them twice, ${covered} of ${points} points, ${seconds(started)}`,
  );
  return violations;
}

async function killTabs(total: number, seed: number): Promise<readonly string[]> {
  const started = Date.now();
  const outcome = await runTabKills({ kills: total, seed, progress: console.log });
  const { counts, inTransaction, askedAgain, accepted, takeovers, violations } = outcome;
  console.log(
    `tabs: ${counts.crash} crashed, ${counts.freeze} frozen, ${inTransaction} within a transaction`,
  );
  console.log(`${askedAgain} turns went on only when they were asked for again`);
  console.log(`${accepted} inputs were accepted before`);
  for (const [why, times] of takeovers) {
    const sorted = times.toSorted((one, other) => one - other);
    const ms = (at: number): string => `${sorted.at(at)?.toFixed(0)} ms`;
    const [median, most] = [ms(Math.floor(sorted.length / 2)), ms(-1)];
    console.log(`${why}: ${times.length} taken over, median ${median}, at most ${most}`);
  }
  console.log(seconds(started));
  return violations;
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(0)} s`;
}
