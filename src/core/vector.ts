const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

type Branch<T> = readonly (Branch<T> | T)[];

/**
 * A persistent list: appending and cutting give a new list that shares what it can with the old one. Both cost
 * O(log n) steps and copies, whatever the list holds; `get` costs O(log n).
 */
export class Vector<T> implements Iterable<T> {
  readonly length: number;
  readonly #root: Branch<T>;
  readonly #shift: number;

  private constructor(root: Branch<T>, shift: number, length: number) {
    this.#root = root;
    this.#shift = shift;
    this.length = length;
  }

  /** The list of these items. */
  static of<T>(items: Iterable<T>): Vector<T> {
    return new Vector<T>([], 0, 0).append(items);
  }

  /** The item at `index`, counted from 0; `undefined` beyond either end. */
  get(index: number): T | undefined {
    if (index < 0 || index >= this.length) return undefined;
    let branch = this.#root;
    for (let shift = this.#shift; shift > 0; shift -= BITS)
      branch = branch[(index >>> shift) & MASK] as Branch<T>;
    return branch[index & MASK] as T;
  }

  /** This list with `items` behind it; this list itself if there are none. */
  append(items: Iterable<T>): Vector<T> {
    let { length } = this;
    let root = this.#root;
    let shift = this.#shift;
    for (const item of items) {
      if (length === WIDTH << shift) {
        root = [root];
        shift += BITS;
      }
      root = push(root, shift, length, item);
      length++;
    }
    return length === this.length ? this : new Vector(root, shift, length);
  }

  /** The first `count` items; this list itself if it has no more. What lies behind is no longer held. */
  take(count: number): Vector<T> {
    if (count >= this.length) return this;
    if (count <= 0) return new Vector<T>([], 0, 0);
    let root = cut(this.#root, this.#shift, count - 1);
    let shift = this.#shift;
    while (shift > 0 && root.length === 1) {
      root = root[0] as Branch<T>;
      shift -= BITS;
    }
    return new Vector(root, shift, count);
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
