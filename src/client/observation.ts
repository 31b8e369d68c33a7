import { EventLog, Observer } from '../core/event-log.ts';
import type { ObserveFeed, SessionFeed } from './session-feed.ts';

/**
 * Observes a session on this page from now on: everybody who is told of it by the returned function shares one log. A fresh
 * view begins another one: the worker is a new one, or what happened was too much for this page.
 */
export function observeFeed(feed: SessionFeed): ObserveFeed {
  let log = new EventLog(crypto.randomUUID());
  let wake: () => void = () => undefined;
  let next = Promise.resolve();
  const renew = (): void => {
    wake();
    next = new Promise((resolve) => (wake = resolve));
  };
  feed.told = (what) => {
    if (what === 'view') log = new EventLog(crypto.randomUUID());
    else if (what !== 'over') log.append(what);
    renew();
  };
  renew();
  return async function* observe(cursor, isOver) {
    const observer = new Observer(() => log, cursor);
    for (;;) {
      const observed = observer.take(() => feed.view);
      if (observed !== null) yield observed;
      else if (isOver()) return;
      else await next;
    }
  };
}
