import type { SessionStore } from '../../contract/store.ts';
import type { BranchPoint } from '../../core/branch-point.ts';
import type { PathWindow } from '../../core/event.ts';
import type { SessionPath } from '../../core/path.ts';

/** How many nodes are read of a path at a time, and shown at first and by default per further page. */
export const PAGE_NODES = 100;

/** A page of a path and the branch points on it. */
export interface PathPage {
  readonly window: PathWindow;
  readonly branches: readonly BranchPoint[];
}

/**
 * The path to `leaf` page by page, newest first: first what `held` has of it, then what is read.
 *
 * @throws `NodeNotFound`
 */
export async function* pathPages(
  store: SessionStore,
  leaf: string | null,
  held: SessionPath | undefined,
): AsyncGenerator<PathWindow, void, undefined> {
  let before = held?.depth;
  while (before !== 0) {
    const page: PathWindow =
      held !== undefined && before !== undefined && before > held.start
        ? held.window(before, PAGE_NODES)
        : await readPage(store, leaf, before, PAGE_NODES);
    yield page;
    before = page.start;
  }
}

/** At most `limit` nodes of the path to `leaf`, the newest ones before depth `before`. @throws `NodeNotFound` */
export async function readPage(
  store: SessionStore,
  leaf: string | null,
  before: number | undefined,
  limit: number,
): Promise<PathWindow> {
  const bound = before === undefined ? {} : { before };
  const { start, nodes } = await store.load({ kind: 'path', leaf, limit, ...bound });
  return { start, nodes };
}
