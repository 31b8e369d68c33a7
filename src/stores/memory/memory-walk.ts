import type { NodeWalk, WalkPage } from '../../contract/store.ts';
import { decodeWalk, encodeWalk } from '../rules/walk-page.ts';
import type { MemoryPlace } from './memory-graph.ts';
import type { MemorySession } from './memory-session.ts';

/** A page of the walk that `SessionStore.walk` promises. @throws `InvalidInput`, `StoredDataCorrupt` */
export function walkMemory(session: MemorySession, page: WalkPage): NodeWalk {
  const { after, limit } = decodeWalk(page, 2);
  const live = session.graph.live();
  const [until = live.at(-1)?.order ?? 0, last] = after ?? [];
  const order = orderOf(live.filter((place) => place.order <= until));
  const start = last === undefined ? 0 : order.findIndex((place) => place.order === last) + 1;
  // Nothing follows on a node that is gone meanwhile: whoever counts the nodes sees it.
  const places = last !== undefined && start === 0 ? [] : order.slice(start, start + limit);
  const end = places.at(-1);
  return {
    head: session.snapshot({ kind: 'head' }).head,
    nodes: places.map((place) => session.graph.read(place)),
    next: end === undefined || end === order.at(-1) ? null : encodeWalk(until, end.order),
  };
}

/** A tree walk that visits a node's oldest child first. */
function orderOf(places: readonly MemoryPlace[]): readonly MemoryPlace[] {
  const children = new Map<string | null, MemoryPlace[]>();
  for (const place of places) {
    const siblings = children.get(place.parentId);
    if (siblings === undefined) children.set(place.parentId, [place]);
    else siblings.push(place);
  }
  const order: MemoryPlace[] = [];
  const waiting = (children.get(null) ?? []).toReversed();
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    order.push(place);
    waiting.push(...(children.get(place.nodeId) ?? []).toReversed());
  }
  return order;
}
