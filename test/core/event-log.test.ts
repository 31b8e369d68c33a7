import { describe, expect, it } from 'vitest';

import { EventLog, LOG_BOUNDS, type Observed, Observer } from '../../src/core/event-log.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import type { SessionView } from '../../src/core/view.ts';

const event = (title: string): SessionEvent => ({ type: 'title-changed', title });
const view = (): SessionView => ({ title: 'now' }) as SessionView;

function filled(incarnation: string, count: number, bounds = LOG_BOUNDS): EventLog {
  const log = new EventLog(incarnation, bounds);
  for (let number = 1; number <= count; number++) log.append(event(String(number)));
  return log;
}

/** What an observer of `log` is told until there is no more. */
function told(log: EventLog, cursor?: string): readonly unknown[] {
  const observer = new Observer(() => log, cursor);
  const all: unknown[] = [];
  for (let next = observer.take(view); next !== null; next = observer.take(view)) all.push(short(next));
  return all;
}

const short = (observed: Observed): unknown =>
  observed.type === 'event' ? observed.number : (observed.gap ?? 'view');

describe('a log of events', () => {
  it('begins with the view where there is no cursor, and says where it stands', () => {
    const log = filled('a', 3);
    expect(new Observer(() => log).take(view)).toEqual({
      type: 'view',
      cursor: 'a.3',
      view: view(),
      gap: null,
    });
    expect(told(log)).toEqual(['view']);
  });

  it('goes on behind the cursor, and not with it', () => {
    expect(told(filled('a', 4), 'a.2')).toEqual([3, 4]);
    expect(told(filled('a', 4), 'a.4')).toEqual([]);
    expect(told(filled('a', 4), 'a.0')).toEqual([1, 2, 3, 4]);
  });

  it('says that it does not go back that far', () => {
    expect(told(filled('a', 4, { events: 1, bytes: 1000 }), 'a.2')).toEqual(['trimmed']);
    expect(told(filled('a', 4, { events: 1, bytes: 1000 }), 'a.3')).toEqual([4]);
    expect(told(filled('a', 4, { events: 100, bytes: 1 }), 'a.3')).toEqual(['trimmed']);
  });

  it('knows nothing of another incarnation, whatever the number, or of what is ahead of it', () => {
    expect(told(filled('b', 4), 'a.2')).toEqual(['unavailable']);
    expect(told(filled('a', 4), 'a.5')).toEqual(['unavailable']);
  });

  it.each(['', 'a', 'a.', '.1', 'a.-1', 'a.1.5', 'a.01', 'a.1e3', 'a b.1', `a.${'9'.repeat(40)}`])(
    'refuses %j, which is no cursor',
    (cursor) => {
      expect(() => new Observer(() => filled('a', 4), cursor)).toThrow(
        expect.objectContaining({ code: 'InvalidInput' }) as Error,
      );
    },
  );

  it('tells an observer of a gap when it falls behind, and of another log', () => {
    let log = filled('a', 2, { events: 2, bytes: 1000 });
    const observer = new Observer(() => log, 'a.2');
    for (let more = 0; more < 3; more++) log.append(event('more'));
    expect(short(observer.take(view)!)).toBe('trimmed');
    expect(observer.take(view)).toBeNull();
    log.append(event('six'));
    expect(short(observer.take(view)!)).toBe(6);
    log = filled('b', 6);
    expect(short(observer.take(view)!)).toBe('unavailable');
    expect(observer.take(view)).toBeNull();
  });

  it('keeps 2,048 events, and 256 KiB of them', () => {
    expect(told(filled('a', 2049), 'a.1')).toHaveLength(2048);
    expect(told(filled('a', 2049), 'a.0')).toEqual(['trimmed']);
    const log = new EventLog('a');
    for (let number = 0; number < 30; number++) log.append(event('x'.repeat(10_000)));
    expect(told(log, 'a.4')).toHaveLength(26);
    expect(told(log, 'a.3')).toEqual(['trimmed']);
  });
});
