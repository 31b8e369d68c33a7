import { equal } from '../../src/testing/assert.ts';
import { createMode } from '../../src/testing/author.ts';
import { exported, imported, type Place, withoutIds } from '../runtime/portable.ts';
import { RandomTree, StoredTree } from './random-tree.ts';
import { Seeded } from './seeded.ts';

/** A session with the tree, where it lies, and how often in a hundred steps it is vacuumed. */
interface Copy {
  readonly place: Place;
  readonly sessionId: string;
  readonly tree: StoredTree;
  readonly vacuums: number;
}

/**
 * Writes one random tree into sessions at all of `places`, of which some are vacuumed and some are not, and copies of
 * walks are, and goes on in all of them. Their walks stay the same, and are the one that goes on with the oldest
 * continuation first; so are their files, and those of what is imported from them.
 *
 * @throws `Error` when two differ
 */
export async function checkWalkOrder(seed: number, steps: number, places: readonly Place[]): Promise<void> {
  const random = new Seeded(seed);
  const model = new RandomTree(random);
  const copies: Copy[] = [];
  const add = async (origin?: Copy): Promise<void> => {
    const place = places[copies.length % places.length];
    if (place === undefined) return;
    const sessionId = `tree-${copies.length}`;
    const store = await place.factory.open(sessionId, createMode());
    const tree = await (origin?.tree.copyTo(store, model.leaf, random) ?? new StoredTree(store));
    copies.push({ place, sessionId, tree, vacuums: copies.length % 3 === 2 ? 0 : 50 });
  };
  for (let index = 0; index < 2 * places.length; index++) await add();
  for (let step = 1; step <= steps; step++) {
    const done = model.step();
    for (const { tree, vacuums } of copies) {
      await tree.apply(done);
      if (random.percent(vacuums)) await tree.store.vacuum();
    }
    if (step % 5 === 0) await compareWalks(copies, model, random, `seed ${seed}, step ${step}`);
    if (step % 20 === 0) await add(random.pick(copies));
  }
  await compareFiles(copies, `seed ${seed}`);
}

async function compareWalks(
  copies: readonly Copy[],
  model: RandomTree,
  random: Seeded,
  when: string,
): Promise<void> {
  for (const { sessionId, tree } of copies) {
    equal(await tree.walk(1 + random.below(12)), model.walk(), `${when}: the walk of ${sessionId}`);
  }
}

async function compareFiles(copies: readonly Copy[], when: string): Promise<void> {
  let expected: string | undefined;
  for (const [index, { place, sessionId }] of copies.entries()) {
    const file = await exported(place, sessionId);
    expected ??= withoutIds(file);
    equal(withoutIds(file), expected, `${when}: the file of ${sessionId}`);
    const to = copies[(index + 1) % copies.length]?.place ?? place;
    const name = `imported-${sessionId}`;
    await imported(to, file, { sessionId: name });
    equal(withoutIds(await exported(to, name)), expected, `${when}: the file of ${name}`);
  }
}
