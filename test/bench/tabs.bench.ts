import { afterAll, expect, test } from 'vitest';

import { runTabKills } from '../crash/tab-kills.ts';
import type { FollowCalls } from './follow.page.ts';
import { spread } from './measure.ts';
import { TabBench } from './tab-bench.ts';
import { type Figure, spreadText, tableOf } from './table.ts';

const MESSAGES = 1_000;
const ROUNDS = 15;
const KILLS = Number(process.env['LASH_BENCH_KILLS'] ?? 12);
const SEED = 1;
/** Heads, the nodes of the turn and how it ended. */
const ROWS_OF_A_TURN = 20;

const figures: Figure[] = [];

afterAll(() => console.log(tableOf(figures)));

test('a second tab follows a turn', { timeout: 300_000 }, async () => {
  const bench = await TabBench.ofPage<FollowCalls>('test/bench/follow.page.ts');
  await bench.launch();
  const runs = await bench.openTab();
  await runs.call('open', MESSAGES);
  // The one that was opened last is the one that a person looks at.
  const follows = await bench.openTab();
  await follows.call('open', 0);
  const fromAsked: number[] = [];
  const fromShown: number[] = [];
  const seen: Awaited<ReturnType<FollowCalls['follow']>>[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const following = follows.call('follow');
    const { askedAt, shownAt } = await runs.call('run');
    const followed = await following;
    if (round < 0) continue;
    fromAsked.push(followed.startedAt - askedAt);
    fromShown.push(followed.startedAt - shownAt);
    seen.push(followed);
  }
  await bench.quit();
  await bench.close();
  const [asked, shown] = [spread(fromAsked), spread(fromShown)];
  const most = (of: (one: (typeof seen)[number]) => number): number => Math.max(...seen.map(of));
  const [untilStart, forText, inAll] = [
    most((one) => one.untilStart),
    most((one) => one.forText),
    most((one) => one.inAll),
  ];
  figures.push(
    {
      figure: 'a second tab shows the start of a turn, from when the first one was asked for it',
      measured: spreadText(asked, 'ms', 0),
      target: '≤ 50 ms',
      peer: `${spreadText(shown, 'ms', 0)} behind the first tab`,
      holds: asked.median <= 50,
    },
    {
      figure: `rows that it reads while text streams, in a session of ${MESSAGES} messages`,
      measured: `${forText}; ${untilStart} before, ${inAll} for the whole turn`,
      target: '0',
      peer: '–',
      holds: forText === 0,
    },
  );
  expect(seen).toHaveLength(ROUNDS);
  expect(inAll).toBeGreaterThan(0);
  expect(forText).toBe(0);
  expect(inAll).toBeLessThanOrEqual(ROWS_OF_A_TURN);
});

test(`${KILLS} tabs that stop in a turn`, { timeout: 3_600_000 }, async () => {
  const { inTransaction, takeovers, violations } = await runTabKills({ kills: KILLS, seed: SEED });
  for (const [fate, what, seconds] of [
    ['crash', 'a closed tab', 1],
    ['freeze', 'a frozen tab', 5],
  ] as const) {
    const times = takeovers.get(fate) ?? [];
    const blocked = fate === 'freeze' ? `, ${inTransaction} more within a transaction` : '';
    figures.push({
      figure: `another tab takes over from ${what} (${times.length}${blocked})`,
      measured: spreadText(spread(times), 'ms', 0),
      target: `≤ ${seconds} s`,
      peer: '–',
      holds: spread(times).median <= seconds * 1000,
    });
    expect(times.length).toBeGreaterThan(0);
  }
  expect(violations).toEqual([]);
});
