import { parseArgs } from 'node:util';

import { type Kills, runCampaign, sumOf } from './campaign.ts';

/** `npm run crash -- --kills 1000 --seed 1`: prints what was killed and what was wrong after it, answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { kills: { type: 'string', default: '50' }, seed: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const started = Date.now();
  const wanted = killsOf(Number(values.kills));
  console.log(`seed ${seed}`);
  const outcome = await runCampaign({ kills: wanted, seed, rounds: 2, progress: console.log });
  for (const violation of outcome.violations) console.error(violation);
  const { kills, twice, boundaries, covered, violations } = outcome;
  const byKind = `${kills.worker} workers, ${kills.renderer} renderers, ${kills.browser} browsers`;
  console.log(`${sumOf(kills)} kills: ${byKind}; ${twice} of them twice`);
  console.log(`${covered} of ${boundaries} boundaries, ${((Date.now() - started) / 1000).toFixed(0)} s`);
  console.log(`${violations.length} violations, seed ${seed}`);
  return violations.length === 0 ? 0 : 1;
}

/** Two tenths renderers, one tenth browsers, the rest workers. */
export function killsOf(total: number): Kills {
  const renderer = Math.floor(total / 5);
  const browser = Math.floor(total / 10);
  return { worker: total - renderer - browser, renderer, browser };
}
