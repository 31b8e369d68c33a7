import { Seeded } from '../stores/seeded.ts';
import { serveWorker } from '../support/built-worker.ts';
import { Outside } from './outside.ts';
import { type Moments, TabRound } from './tab-round.ts';
import { type Fate, TabRow } from './tab-row.ts';

/** What came out. */
export interface TabOutcome {
  readonly counts: Readonly<Record<Fate, number>>;
  /** How many tabs stopped within a transaction that kept all others from storage. */
  readonly inTransaction: number;
  /** How many frozen tabs kept the lease until somebody asked once more. */
  readonly askedAgain: number;
  /** How many inputs a page was told to be accepted before the tab stopped. */
  readonly accepted: number;
  /** How long it took until another tab wrote, in milliseconds, by what kept it from that. */
  readonly takeovers: ReadonlyMap<string, readonly number[]>;
  readonly violations: readonly string[];
}

export interface TabKillOptions {
  /** How many times a tab is killed or frozen. */
  readonly kills: number;
  readonly seed: number;
  readonly progress?: (text: string) => void;
}

/** How many tabs have the session open. */
const TABS = 3;

/** How many browsers there are at a time: a round is mostly waiting. */
const LANES = 2;

/** Within which time after the first input the tab stops, and the second input is asked for, in milliseconds. */
const STOPS_WITHIN_MS = 1500;
const ASKED_WITHIN_MS = 800;

/** So many kills are between two reports. */
const BATCH = 50;

interface Plan {
  readonly sessionId: string;
  readonly fate: Fate;
  readonly moments: Moments;
}

/** Kills or freezes the tab that runs a turn, again and again, at a random moment. */
export async function runTabKills({ kills, seed, progress }: TabKillOptions): Promise<TabOutcome> {
  const site = await serveWorker('test/crash/tab.worker.ts');
  const outside = await Outside.start();
  const plans = plansOf(kills, seed);
  const violations: string[] = [];
  const counts = { crash: 0, freeze: 0 };
  const takeovers = new Map<string, readonly number[]>();
  let [inTransaction, askedAgain, accepted, done] = [0, 0, 0, 0];
  const play = async (row: TabRow, { sessionId, fate, moments }: Plan): Promise<boolean> => {
    const round = new TabRound(row, outside, sessionId);
    const { faults, isWhole } = await played(round, fate, moments);
    const at = `${sessionId}, ${fate}, ${JSON.stringify(moments)}`;
    violations.push(...faults.map((what) => `${at}: ${what}`));
    for (const what of faults) progress?.(`${at}: ${what}`);
    counts[fate]++;
    accepted += round.accepted;
    if (round.wasBlocked) inTransaction++;
    if (round.wasAskedAgain) askedAgain++;
    const why = round.wasBlocked ? `${fate} within a transaction` : fate;
    if (round.takeover !== undefined) takeovers.set(why, [...(takeovers.get(why) ?? []), round.takeover]);
    if (++done % BATCH === 0) progress?.(`tabs: ${done} of ${kills}, ${violations.length} violations so far`);
    return isWhole;
  };
  try {
    await Promise.all(
      Array.from({ length: LANES }, async (_, lane) => {
        const mine = plans.filter((_plan, number) => number % LANES === lane);
        await playAll(site.url, mine, play);
      }),
    );
  } finally {
    await outside.close();
    await site.close();
  }
  return { counts, inTransaction, askedAgain, accepted, takeovers, violations };
}

/** Rounds, one after the other; behind one that did not come to its end in a new browser. */
async function playAll(
  url: string,
  plans: readonly Plan[],
  play: (row: TabRow, plan: Plan) => Promise<boolean>,
): Promise<void> {
  let row: TabRow | undefined;
  try {
    for (const plan of plans) {
      row ??= await TabRow.launch(url, TABS);
      if (await play(row, plan)) continue;
      await row.close();
      row = undefined;
    }
  } finally {
    await row?.close();
  }
}

function plansOf(kills: number, seed: number): readonly Plan[] {
  const chance = new Seeded(seed);
  return Array.from({ length: kills }, (_, number): Plan => {
    const fate = chance.percent(50) ? 'crash' : 'freeze';
    const dies = chance.below(STOPS_WITHIN_MS);
    const moments = { dies, other: chance.below(ASKED_WITHIN_MS), asks: chance.below(TABS) };
    return { sessionId: `s${seed}-${number}`, fate, moments };
  });
}

async function played(
  round: TabRound,
  fate: Fate,
  moments: Moments,
): Promise<{ readonly faults: readonly string[]; readonly isWhole: boolean }> {
  try {
    return { faults: await round.play(fate, moments), isWhole: true };
  } catch (error) {
    return { faults: [error instanceof Error ? error.message : String(error)], isWhole: false };
  } finally {
    round.forget();
  }
}
