const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

type Branch<T> = readonly (Branch<T> | T)[];

/**
 * A persistent list: appending and cutting at either end give a new list that shares what it can with the old one. All
 * of them cost O(log n) steps and copies, whatever the list holds; `get` costs O(log n).
 */
export class Vector<T> implements Iterable<T> {
  readonly #root: Branch<T>;
  readonly #shift: number;
  /** Where in the tree the items lie: what was dropped keeps its places there. */
  readonly #first: number;
  readonly #end: number;

  private constructor(root: Branch<T>, shift: number, first: number, end: number) {
    this.#root = root;
    this.#shift = shift;
    this.#first = first;
    this.#end = end;
  }

  /** The list of these items. */
  static of<T>(items: Iterable<T>): Vector<T> {
    return new Vector<T>([], 0, 0, 0).append(items);
  }

  get length(): number {
    return this.#end - this.#first;
  }

  /** The item at `index`, counted from 0; `undefined` beyond either end. */
  get(index: number): T | undefined {
    if (index < 0 || index >= this.length) return undefined;
    const place = this.#first + index;
    let branch = this.#root;
    for (let shift = this.#shift; shift > 0; shift -= BITS)
      branch = branch[(place >>> shift) & MASK] as Branch<T>;
    return branch[place & MASK] as T;
  }

  /** This list with `items` behind it; this list itself if there are none. */
  append(items: Iterable<T>): Vector<T> {
    let end = this.#end;
    let root = this.#root;
    let shift = this.#shift;
    for (const item of items) {
      if (end === WIDTH << shift) {
        root = [root];
        shift += BITS;
      }
      root = push(root, shift, end, item);
      end++;
    }
    return end === this.#end ? this : new Vector(root, shift, this.#first, end);
  }

  /** The first `count` items; this list itself if it has no more. What lies behind is no longer held. */
  take(count: number): Vector<T> {
    if (count >= this.length) return this;
    if (count <= 0) return Vector.of<T>([]);
    const end = this.#first + count;
    let root = cut(this.#root, this.#shift, end - 1);
    let shift = this.#shift;
    while (shift > 0 && root.length === 1) {
      root = root[0] as Branch<T>;
      shift -= BITS;
    }
    return new Vector(root, shift, this.#first, end);
  }

  /** The items behind the first `count`; this list itself if `count` is 0. What lies before is no longer held. */
  drop(count: number): Vector<T> {
    if (count <= 0) return this;
    if (count >= this.length) return Vector.of<T>([]);
    const first = this.#first + count;
    return new Vector(clear(this.#root, this.#shift, first), this.#shift, first, this.#end);
  }

  /** The items from `start` to before `end`, as an array. */
  slice(start: number, end: number = this.length): T[] {
    const items: T[] = [];
    for (let index = Math.max(0, start); index < Math.min(end, this.length); index++) {
      items.push(this.get(index) as T);
    }
    return items;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.length; index++) yield this.get(index) as T;
  }
}

function push<T>(branch: Branch<T>, shift: number, index: number, item: T): Branch<T> {
  const copy = branch.slice();
  if (shift === 0) {
    copy.push(item);
  } else {
    const at = (index >>> shift) & MASK;
    copy[at] = push((branch[at] ?? []) as Branch<T>, shift - BITS, index, item);
  }
  return copy;
}

function cut<T>(branch: Branch<T>, shift: number, last: number): Branch<T> {
  const at = (last >>> shift) & MASK;
  const copy = branch.slice(0, at + 1);
  if (shift > 0) copy[at] = cut(branch[at] as Branch<T>, shift - BITS, last);
  return copy;
}

function clear<T>(branch: Branch<T>, shift: number, first: number): Branch<T> {
  const at = (first >>> shift) & MASK;
  const copy = branch.slice();
  for (let dropped = 0; dropped < at; dropped++) copy[dropped] = [];
  if (shift > 0) copy[at] = clear(branch[at] as Branch<T>, shift - BITS, first);
  return copy;
}
