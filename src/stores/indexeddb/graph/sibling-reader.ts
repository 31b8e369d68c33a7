import type { BranchPoint, Sibling } from '../../../core/branch-point.ts';
import { nodeIdOf } from '../../../core/id.ts';
import { corrupt } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { BY_FORK, type ChainRow, keysOf, type Position } from '../rows/schema.ts';
import { decodeChain, decodeReceipt, decodeSegmentKey, type LiveHead } from './decode.ts';
import { placeOf, readFork, readTomb } from './node-places.ts';

/** A live node, and the revision that wrote it. */
interface Written {
  readonly nodeId: string;
  readonly seq: number;
  readonly revision: number;
}

/**
 * Finds siblings and tips. One child of a node goes on its chain, each other one begins a chain; so keys, receipts and
 * chain rows tell it all: no node is read, and no chain that is not below a sibling (law ST19).
 */
export class SiblingReader {
  readonly #rows: RowTransaction;
  readonly #sessionId: string;
  readonly #tips = new Map<string, Promise<Written | undefined>>();
  readonly #forks = new Map<
    number,
    { readonly from: number; readonly found: Promise<readonly Position[]> }
  >();

  constructor(rows: RowTransaction, sessionId: string) {
    this.#rows = rows;
    this.#sessionId = sessionId;
  }

  /** The branch points of `nodeIds`, as `SessionStore.siblings` promises. */
  async read(head: LiveHead, nodeIds: readonly string[]): Promise<readonly BranchPoint[]> {
    const points = await Promise.all(
      nodeIds.map(async (nodeId) => ({ nodeId, siblings: await this.#siblingsOf(head, nodeId) })),
    );
    return points.filter(({ siblings }) => siblings.length > 1);
  }

  async #siblingsOf(head: LiveHead, nodeId: string): Promise<readonly Sibling[]> {
    const place = await placeOf(this.#rows, this.#sessionId, head, nodeId);
    if (place === null) return [];
    const parent = await this.#parentOf(place);
    const forks = await this.#forksFrom(parent, parent.seq);
    if (forks.length === 0) return [];
    const onChain = { chain: Math.max(parent.chain, 0), seq: parent.seq + 1 };
    const children = await Promise.all([onChain, ...forks].map((child) => this.#readChild(child)));
    return children
      .filter((child) => child !== undefined)
      .toSorted((one, other) => one.revision - other.revision)
      .map(({ nodeId: id, tip }) => ({ nodeId: id, tip }));
  }

  async #parentOf({ chain, seq }: Position): Promise<Position> {
    const { parentChain, forkSeq } = await readFork(this.#rows, this.#sessionId, chain);
    return seq === forkSeq + 1 ? { chain: parentChain, seq: forkSeq } : { chain, seq: seq - 1 };
  }

  /** Where the chains begin that leave this place, or its chain behind it: read once for all places behind the first one. */
  async #forksBelow({ chain, seq }: Position): Promise<readonly Position[]> {
    let known = this.#forks.get(chain);
    if (known === undefined || known.from > seq) {
      known = { from: seq, found: this.#forksFrom({ chain, seq }, Infinity) };
      this.#forks.set(chain, known);
    }
    return (await known.found).filter((fork) => fork.seq > seq);
  }

  /** Where the chains begin that leave this place, or its chain behind it, up to depth `last`. */
  async #forksFrom({ chain, seq }: Position, last: number): Promise<readonly Position[]> {
    const prefix = [this.#sessionId, chain];
    const range = IDBKeyRange.bound([...prefix, seq], [...prefix, last, []]);
    const rows = (await this.#rows.getAll('chains', range, { index: BY_FORK })) as readonly ChainRow[];
    return rows.map((row) => {
      const { chain: fork, forkSeq } = decodeChain(this.#sessionId, row.chain, row);
      return { chain: fork, seq: forkSeq + 1 };
    });
  }

  /** A child with its tip; `undefined` if there is no live node. */
  async #readChild(place: Position): Promise<(Sibling & { readonly revision: number }) | undefined> {
    const child = await this.#lastLive(place.chain, place.seq);
    if (child?.seq !== place.seq) return undefined;
    const tip = await this.#tipBelow(place);
    return { nodeId: child.nodeId, revision: child.revision, tip: tip?.nodeId ?? child.nodeId };
  }

  /** The node that was written last at or below this place. */
  #tipBelow(place: Position): Promise<Written | undefined> {
    const key = `${place.chain} ${place.seq}`;
    const tip = this.#tips.get(key) ?? this.#readTipBelow(place);
    this.#tips.set(key, tip);
    return tip;
  }

  async #readTipBelow(place: Position): Promise<Written | undefined> {
    const [own, tips] = await Promise.all([this.#lastLive(place.chain, Infinity), this.#tipsOfForks(place)]);
    return tips.reduce(
      (latest, tip) => ((tip?.revision ?? -1) > (latest?.revision ?? -1) ? tip : latest),
      own,
    );
  }

  async #tipsOfForks(place: Position): Promise<readonly (Written | undefined)[]> {
    const forks = await this.#forksBelow(place);
    return Promise.all(forks.map((fork) => this.#tipBelow(fork)));
  }

  /** The last live node of a chain at or before this depth, which is also the one that was written last. */
  async #lastLive(chain: number, seq: number): Promise<Written | undefined> {
    const sessionId = this.#sessionId;
    const lastKey = (upTo: number): Promise<IDBValidKey | undefined> =>
      this.#rows.lastKey('segments', keysOf([sessionId, chain], upTo));
    const [deadFrom, found] = await Promise.all([readTomb(this.#rows, sessionId, chain), lastKey(seq)]);
    const last = Math.min(seq, deadFrom - 1);
    const key = last < seq ? await lastKey(last) : found;
    if (key === undefined && (chain === 0 || deadFrom < Infinity)) return undefined;
    const { firstSeq, count, operationId } = decodeSegmentKey(sessionId, key);
    const receipt = decodeReceipt(sessionId, await this.#rows.get('receipts', [sessionId, operationId]));
    const ordinal = Math.min(last - firstSeq, count - 1);
    const nodeId = nodeIdOf(operationId, ordinal);
    if (receipt === undefined) throw corrupt(sessionId, nodeId, 'its receipt is missing');
    return { nodeId, seq: firstSeq + ordinal, revision: receipt.revision };
  }
}
