const BYTE_UNITS = ['KB', 'MB', 'GB'] as const;

/** A size for people: 1 KB is 1,024 bytes. */
export function byteCount(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  let value = bytes;
  let unit: string = BYTE_UNITS[0];
  for (const next of BYTE_UNITS) {
    unit = next;
    value /= 1024;
    if (value < 1023.5) break;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** A number with the separators of the page's language. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** A length of time: `12 ms`, `3.4 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** How long ago `at` was, in words that stay true for a while. */
export function timeAgo(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ago`;
  const days = Math.floor(hours / 24);
  if (days < 7) return days === 1 ? 'yesterday' : `${days} days ago`;
  return new Date(at).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** The time of day, or the day and the time if it is another one. */
export function clockTime(at: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString('en', { hour: 'numeric', minute: '2-digit' });
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.toLocaleDateString('en', { day: 'numeric', month: 'short' })}, ${time}`;
}

/** `text` on one line, cut to `length` characters. */
export function oneLine(text: string, length: number): string {
  const line = text
    .trimStart()
    .slice(0, length * 4)
    .replace(/\s+/g, ' ')
    .trimEnd();
  if (line.length <= length) return line;
  // A character of two halves is left out rather than cut.
  return `${line.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
