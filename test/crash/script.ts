import { nodeIdOf } from '../../src/core/id.ts';
import { Seeded } from '../stores/seeded.ts';

/** The session that lives through the whole script. */
export const MAIN = 'main';

/** A session that the script deletes at its end. */
export const DOOMED = 'doomed';

/** One thing that the script does. All of it is data, so that a worker that comes later can do the same again. */
export type Step =
  | { readonly do: 'create'; readonly session: string }
  | {
      readonly do: 'append';
      readonly session: string;
      readonly operation: string;
      readonly parent: string | null;
      readonly count: number;
      /** Lengths of attachments that the first node refers to. */
      readonly files: readonly number[];
      /** The version of the components of a checkpoint. */
      readonly checkpoint?: number;
      readonly strict: boolean;
    }
  | { readonly do: 'branch'; readonly session: string; readonly operation: string; readonly leaf: string }
  | { readonly do: 'put'; readonly session: string; readonly bytes: number }
  | { readonly do: 'pin' | 'unpin'; readonly session: string; readonly node: string }
  | { readonly do: 'rename'; readonly session: string; readonly title: string; readonly at: number }
  | { readonly do: 'tombstone' | 'vacuum' | 'gc'; readonly session: string }
  | { readonly do: 'delete'; readonly session: string }
  | { readonly do: 'import'; readonly title: string; readonly nodes: number; readonly publish: boolean };

/** What a session of the script looks like while the script is being written. */
interface Sketch {
  readonly session: string;
  /** Parents by node id. */
  readonly parents: Map<string, string | null>;
  leaf: string | null;
  pinned: string | undefined;
}

/** Lengths of attachments: nothing, small, and more than one chunk. */
const LENGTHS: readonly number[] = [0, 10, 3000, 300_000];

/** Which script it is. Every one does every kind of step; the seed says where and how much, `rounds` how often. */
export interface ScriptPlan {
  readonly seed: number;
  readonly rounds: number;
}

/** The same plan gives the same script. */
export function writeScript({ seed, rounds }: ScriptPlan): readonly Step[] {
  const chance = new Seeded(seed);
  const steps: Step[] = [];
  const main = begin(MAIN, steps);
  const doomed = begin(DOOMED, steps);
  let operations = 0;

  const anyNode = ({ parents, session }: Sketch): string => {
    const node = chance.pick([...parents.keys()]);
    if (node === undefined) throw new Error(`${session} has no nodes`);
    return node;
  };
  const append = (
    sketch: Sketch,
    parent: string | null,
    extra: { readonly files?: readonly number[]; readonly checkpoint?: number } = {},
  ): void => {
    const operation = `operation-${++operations}`;
    // The root keeps its attachment and its checkpoint, so that no sweep is left without a root.
    const count = parent === null ? 1 : 1 + chance.below(3);
    const strict = chance.below(4) === 0;
    const { files = [] } = extra;
    steps.push({ do: 'append', session: sketch.session, operation, parent, count, strict, ...extra, files });
    for (let ordinal = 0; ordinal < count; ordinal++) {
      const node = nodeIdOf(operation, ordinal);
      sketch.parents.set(node, ordinal === 0 ? parent : nodeIdOf(operation, ordinal - 1));
      sketch.leaf = node;
    }
  };
  const branch = (sketch: Sketch): void => {
    const leaf = anyNode(sketch);
    steps.push({ do: 'branch', session: sketch.session, operation: `operation-${++operations}`, leaf });
    sketch.leaf = leaf;
  };
  const length = (): number => (chance.pick(LENGTHS) ?? 0) + chance.below(5);

  append(main, null, { files: [length()], checkpoint: 7 });
  append(doomed, null, { files: [length()], checkpoint: 1 });
  for (let round = 1; round <= rounds; round++) {
    append(main, main.leaf, { checkpoint: round });
    append(main, main.leaf);
    append(main, anyNode(main));
    append(main, main.leaf, { files: [length(), length()], checkpoint: chance.below(2) });
    const node = anyNode(main);
    steps.push({ do: 'pin', session: MAIN, node });
    if (main.pinned !== undefined && main.pinned !== node) {
      steps.push({ do: 'unpin', session: MAIN, node: main.pinned });
    }
    main.pinned = node;
    branch(main);
    append(main, main.leaf, { files: [length()] });
    append(main, main.leaf);
    steps.push({ do: 'put', session: MAIN, bytes: length() });
    append(doomed, doomed.leaf, { files: [length()] });
    steps.push({ do: 'tombstone', session: MAIN });
    keepReachable(main);
    append(main, anyNode(main));
    steps.push({ do: 'vacuum', session: MAIN });
    append(main, anyNode(main));
    steps.push({ do: 'import', title: `import ${round}`, nodes: 3, publish: round === 1 });
    steps.push({ do: 'gc', session: MAIN });
    steps.push({ do: 'rename', session: MAIN, title: `round ${round}`, at: 2000 + round });
  }
  branch(doomed);
  append(doomed, doomed.leaf);
  steps.push({ do: 'tombstone', session: DOOMED }, { do: 'delete', session: DOOMED });
  append(main, main.leaf, { files: [length()] });
  for (const last of ['tombstone', 'vacuum', 'gc'] as const) steps.push({ do: last, session: MAIN });
  return steps;
}

function begin(session: string, steps: Step[]): Sketch {
  steps.push({ do: 'create', session });
  return { session, parents: new Map(), leaf: null, pinned: undefined };
}

/** Forgets the nodes that no root reaches. */
function keepReachable({ parents, leaf, pinned }: Sketch): void {
  const reachable = new Set<string>();
  for (const root of [leaf, pinned]) {
    for (let node = root ?? null; node !== null; node = parents.get(node) ?? null) reachable.add(node);
  }
  for (const node of parents.keys()) if (!reachable.has(node)) parents.delete(node);
}
