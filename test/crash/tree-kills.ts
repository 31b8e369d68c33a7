import { isDeepStrictEqual } from 'node:util';

import type { StoredTree } from '../runtime/stored-tree.ts';
import { Seeded } from '../stores/seeded.ts';
import { BACK_ENDS } from '../support/back-ends.ts';
import { serveWorker } from '../support/built-worker.ts';
import { askWorker, removeDatabase } from './ask-worker.ts';
import { CrashBrowser } from './crash-browser.ts';
import { type Boundary, POINTS } from './gate.ts';
import { type Kills, KINDS, type Kind, shuffled, TWICE } from './kills.ts';
import type { TreeRecording, TreeRecovery } from './tree-report.ts';

/** What came out. */
export interface TreeOutcome {
  /** How many of the kills were followed by a second kill, while the next worker went on. */
  readonly twice: number;
  /** How many points the turn has, and at how many of them something was killed. */
  readonly points: number;
  readonly covered: number;
  readonly violations: readonly string[];
}

export interface TreeKillOptions {
  readonly kills: Kills;
  readonly seed: number;
  readonly progress?: (text: string) => void;
}

interface TreeKill {
  readonly name: string;
  readonly kind: Kind;
  readonly stopAt: Boundary;
  /** Where the next worker is killed too, if it comes there. */
  readonly again: Boundary | undefined;
}

/** So many kills are under way between two reports. */
const BATCH = 100;

/**
 * Kills a turn that uses the state of a plugin, a child session, a grandchild and a background task at each of its writes,
 * of whichever session, and checks that what is stored in the end is as without that.
 */
export async function runTreeKills({ kills, seed, progress }: TreeKillOptions): Promise<TreeOutcome> {
  const site = await serveWorker('test/crash/tree.worker.ts');
  const browsers: CrashBrowser[] = [];
  const violations: string[] = [];
  let twice = 0;
  try {
    for (const backEnd of BACK_ENDS) browsers.push(await CrashBrowser.launch(backEnd, site.url));
    const { seams, stored } = await recordOn(browsers);
    const stops = seams.flatMap((_, transaction) => POINTS.map((point) => ({ transaction, point })));
    const chosen = chooseKills(kills, seed, stops);
    for (let from = 0; from < chosen.length; from += BATCH) {
      await Promise.all(
        browsers.map(async (browser, lane) => {
          for (let number = from + lane; number < from + BATCH; number += browsers.length) {
            const kill = chosen[number];
            if (kill === undefined) return;
            const { faults, wasTwice } = await killOnce(browser, kill, stored);
            if (wasTwice) twice++;
            const at = `seed ${seed}, ${browser.backEnd}, ${JSON.stringify(kill)}`;
            violations.push(...faults.map((what) => `${at}: ${what}`));
          }
        }),
      );
      const done = Math.min(from + BATCH, chosen.length);
      progress?.(`trees: ${done} of ${chosen.length} kills, ${violations.length} violations so far`);
    }
    const covered = new Set(chosen.map(({ stopAt }) => stopAt)).size;
    return { twice, points: stops.length, covered, violations };
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
    await site.close();
  }
}

/** Each kind goes through the points in an order of its own. */
function chooseKills(kills: Kills, seed: number, stops: readonly Boundary[]): readonly TreeKill[] {
  const chance = new Seeded(seed);
  const chosen = KINDS.flatMap((kind) => {
    const order = shuffled(stops, chance);
    return Array.from({ length: kills[kind] }, (_, number) => {
      const again = chance.below(TWICE) === 0 ? chance.pick(stops) : undefined;
      return { kind, stopAt: order[number % order.length]!, again };
    });
  });
  return shuffled(chosen, chance).map((kill, number) => ({ ...kill, name: `tree-${seed}-${number}` }));
}

/** The turn with nobody killed. @throws unless it is sound, and the same in every browser */
async function recordOn(browsers: readonly CrashBrowser[]): Promise<TreeRecording> {
  const recordings: TreeRecording[] = [];
  for (const browser of browsers) {
    const page = await browser.freshPage();
    const args = ['record'];
    await askWorker(page, { name: 'prepare', args, terminates: false });
    const recording = await askWorker<TreeRecording>(page, { name: 'record', args, terminates: true });
    const storedAs = browser.storedAs().join();
    if (storedAs !== browser.backEnd) throw new Error(`${browser.backEnd} stores as ${storedAs}`);
    if (recording.faults.length > 0) throw new Error(`nobody was killed: ${recording.faults.join()}`);
    await removeDatabase(page, 'record');
    recordings.push(recording);
  }
  const [first, ...others] = recordings;
  if (first === undefined) throw new Error('there is no browser');
  if (others.some((other) => !isDeepStrictEqual(other, first))) throw new Error('two browsers differ');
  return first;
}

async function killOnce(
  browser: CrashBrowser,
  { name, kind, stopAt, again }: TreeKill,
  expected: StoredTree,
): Promise<{ readonly faults: readonly string[]; readonly wasTwice: boolean }> {
  const faults: string[] = [];
  let wasTwice = false;
  try {
    await askWorker(await browser.freshPage(), { name: 'prepare', args: [name], terminates: false });
    const first = await browser.freshPage();
    const terminates = kind === 'worker';
    const isHeld = await askWorker<boolean>(first, { name: 'runTo', args: [name, stopAt], terminates });
    if (!isHeld) throw new Error('it did not come there');
    if (kind === 'renderer') await browser.crashPage();
    if (kind === 'browser') await browser.kill();
    let stored: StoredTree | null = null;
    for (const next of [again ?? null, null]) {
      const page = await browser.freshPage();
      const call = { name: 'recover', args: [name, next], terminates: next !== null };
      const recovery = await askWorker<TreeRecovery>(page, call);
      faults.push(...recovery.faults);
      ({ stored } = recovery);
      if (stored !== null) break;
      wasTwice = true;
    }
    if (!isDeepStrictEqual(stored, expected)) faults.push(`stored is ${JSON.stringify(stored)}`);
    await removeDatabase(await browser.freshPage(), name);
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  return { faults, wasTwice };
}
