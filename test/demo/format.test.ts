import { describe, expect, test } from 'vitest';

import { byteCount, count, duration, oneLine, timeAgo } from '../../src/demo/app/format.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('a size', () => {
  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1023, '1023 bytes'],
    [1024, '1.0 KB'],
    [10_188, '9.9 KB'],
    [10_189, '10 KB'],
    [1024 * 1023, '1023 KB'],
    [1024 * 1024 - 1, '1.0 MB'],
    [10 * 1024 * 1024, '10 MB'],
    [3 * 1024 ** 3, '3.0 GB'],
    [5000 * 1024 ** 3, '5000 GB'],
  ])('of %d bytes is written in the unit that fits', (bytes, text) => {
    expect(byteCount(bytes)).toBe(text);
  });
});

test('a large number has separators', () => {
  expect([0, 999, 1234, 1_234_567].map(count)).toEqual(['0', '999', '1,234', '1,234,567']);
});

describe('a length of time', () => {
  test.each([
    [0, '0 ms'],
    [12.4, '12 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [1000, '1.0 s'],
    [3440, '3.4 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 0 s'],
    [125_000, '2 min 5 s'],
    [119_600, '2 min 0 s'],
  ])('of %d ms is written in the unit that fits', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe('how long ago something was', () => {
  const now = Date.UTC(2026, 10, 22, 12);

  test.each([
    [-HOUR, 'just now'],
    [MINUTE - 1, 'just now'],
    [MINUTE, '1 min ago'],
    [HOUR - 1, '59 min ago'],
    [HOUR, '1 h ago'],
    [DAY - 1, '23 h ago'],
    [DAY, 'yesterday'],
    [2 * DAY, '2 days ago'],
    [7 * DAY - 1, '6 days ago'],
    [30 * DAY, 'Oct 23, 2026'],
  ])('%d ms back', (back, text) => {
    expect(timeAgo(now - back, now)).toBe(text);
  });
});

describe('text on one line', () => {
  test('has single spaces and no ends', () => {
    expect(oneLine('  a\n\n\tb   c ', 10)).toBe('a b c');
    expect(oneLine(' \n ', 10)).toBe('');
  });

  test('is as long as it may be, the ellipsis included', () => {
    expect(oneLine('abcde', 5)).toBe('abcde');
    expect(oneLine('abcdef', 5)).toBe('abcd…');
  });

  test('is there however much white space comes before it', () => {
    expect(oneLine(`${'\n'.repeat(1000)}hello`, 10)).toBe('hello');
  });

  test('is never cut within a character', () => {
    expect(oneLine('abc😀def', 5)).toBe('abc…');
    expect(oneLine('ab😀def', 5)).toBe('ab😀…');
  });
});
