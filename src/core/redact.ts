/** What stands where a secret was. */
export const REDACTED = '[redacted]';

/** Secrets shorter than this many characters are not looked for: they would match ordinary text. */
export const MIN_SECRET_LENGTH = 8;

/** The ways to write one character: any of these texts. */
type Spellings = readonly string[];

/** One way to write a secret: a row of characters, each in any of its spellings. */
type Pattern = readonly Spellings[];

/** How many characters of a secret are looked for first, and up to how many secrets are looked for in that way. */
const START_LENGTH = 4;
const MAX_STARTS = 64;

/** Secrets in all the ways in which they are looked for. */
export interface SecretPatterns {
  readonly isEmpty: boolean;
  /** By the first UTF-16 unit, and then by the second one: one alone may begin a secret at every third place of a text. */
  readonly byFirst: ReadonlyMap<number, ReadonlyMap<number, readonly Pattern[]>>;
  /** Finds where one may begin; `null` where there are too many for that. A browser finds it a hundred times as fast. */
  readonly starts: RegExp | null;
}

/** No secrets. */
export const NO_SECRETS: SecretPatterns = { isEmpty: true, byFirst: new Map(), starts: null };

/** Text in which every secret was replaced, and the end of it that may still become a secret with what follows. */
export interface Redaction {
  readonly text: string;
  readonly rest: string;
}

/**
 * The patterns of `secrets` (law SE1): each one as it is, escaped as in JSON (also within JSON within JSON), URL-encoded,
 * a mix of these, and its bytes within base64 text of either alphabet, at any alignment.
 */
export function secretPatterns(secrets: Iterable<string>): SecretPatterns {
  const byFirst = new Map<number, Map<number, Pattern[]>>();
  const known = [...secrets].filter(({ length }) => length >= MIN_SECRET_LENGTH);
  const patterns = known.flatMap(patternsOf);
  for (const pattern of patterns) {
    for (const begin of beginnings(pattern)) {
      const [first, second] = [begin.charCodeAt(0), begin.charCodeAt(1)];
      const bySecond = byFirst.get(first) ?? new Map<number, Pattern[]>();
      byFirst.set(first, bySecond.set(second, [...(bySecond.get(second) ?? []), pattern]));
    }
  }
  const isEmpty = known.length === 0;
  const starts =
    isEmpty || known.length > MAX_STARTS ? null : new RegExp(patterns.map(startOf).join('|'), 'g');
  return { isEmpty, byFirst, starts };
}

function startOf(pattern: Pattern): string {
  const rows = pattern.slice(0, START_LENGTH).map((spellings) => spellings.map(literal).join('|'));
  return rows.map((row) => `(?:${row})`).join('');
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

/** The first two units of a text that a pattern, which is longer than that, may match. */
function beginnings([first = [], second = []]: Pattern): ReadonlySet<string> {
  return new Set(
    first
      .flatMap((text) => (text.length > 1 ? [text] : second.map((next) => text + next)))
      .map((text) => text.slice(0, 2)),
  );
}

/**
 * `text` with each secret in it replaced by {@link REDACTED}, the leftmost and then the longest first. Unless `atEnd`,
 * `rest` is the shortest end of the text in which a secret may have begun.
 */
export function redact({ byFirst, starts }: SecretPatterns, text: string, atEnd: boolean): Redaction {
  let redacted = '';
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    if (atEnd && starts !== null) {
      starts.lastIndex = at;
      at = starts.exec(text)?.index ?? text.length;
    }
    const bySecond = byFirst.get(text.charCodeAt(at));
    const { end, open } = bySecond === undefined ? NO_MATCH : matchAny(bySecond, text, at);
    if (open && !atEnd) return { text: redacted + text.slice(copied, at), rest: text.slice(at) };
    if (end > at) {
      redacted += text.slice(copied, at) + REDACTED;
      copied = end;
      at = end;
    } else {
      at++;
    }
  }
  return { text: copied === 0 ? text : redacted + text.slice(copied), rest: '' };
}

/** Where the longest match ends (-1: none), and whether a match could end beyond the text. */
interface Match {
  readonly end: number;
  readonly open: boolean;
}

const NO_MATCH: Match = { end: -1, open: false };
const OPEN: Match = { end: -1, open: true };

function matchAny(bySecond: ReadonlyMap<number, readonly Pattern[]>, text: string, start: number): Match {
  if (start + 1 === text.length) return OPEN;
  const patterns = bySecond.get(text.charCodeAt(start + 1));
  if (patterns === undefined) return NO_MATCH;
  let end = -1;
  let open = false;
  for (const pattern of patterns) {
    const match = matchPattern(pattern, text, start);
    end = Math.max(end, match.end);
    open ||= match.open;
  }
  return { end, open };
}

/** All places that the characters so far may end at are followed at once, so that no row of spellings takes long. */
function matchPattern(pattern: Pattern, text: string, start: number): Match {
  let places = [start];
  let open = false;
  for (const spellings of pattern) {
    const next: number[] = [];
    for (const place of places) {
      for (const spelling of spellings) {
        const end = place + spelling.length;
        if (text.startsWith(spelling, place)) {
          if (!next.includes(end)) next.push(end);
        } else if (end > text.length && spelling.startsWith(text.slice(place))) {
          open = true;
        }
      }
    }
    if (next.length === 0) return { end: -1, open };
    places = next;
  }
  return { end: Math.max(...places), open };
}

function patternsOf(secret: string): readonly Pattern[] {
  const bytes = utf8Bytes(secret);
  return [Array.from(secret, spellingsOf), ...[0, 1, 2].map((offset) => base64Pattern(bytes, offset))];
}

/** A character as it is, URL-encoded once or twice, and each of these as it reads within JSON, up to three deep. */
function spellingsOf(character: string): Spellings {
  const bytes = utf8Bytes(character);
  const spellings = new Set([character, ...jsonEscapes(character)]);
  for (const hex of bothCases(bytes.map((byte) => byte.toString(16).padStart(2, '0')))) {
    spellings.add(hex.map((digits) => `%${digits}`).join(''));
    spellings.add(hex.map((digits) => `%25${digits}`).join(''));
  }
  if (character === ' ') spellings.add('+');
  let nested = [...spellings];
  for (let depth = 0; depth < 3; depth++) {
    nested = nested.map((spelling) => JSON.stringify(spelling).slice(1, -1));
    for (const spelling of nested) spellings.add(spelling);
  }
  return [...spellings];
}

/** The escapes that a JSON writer may use for a character that need not be escaped. */
function jsonEscapes(character: string): readonly string[] {
  const units = Array.from({ length: character.length }, (_, index) =>
    character.charCodeAt(index).toString(16).padStart(4, '0'),
  );
  const escapes = bothCases(units).map((hex) => hex.map((digits) => `\\u${digits}`).join(''));
  return character === '/' ? [...escapes, '\\/'] : escapes;
}

function bothCases(hex: readonly string[]): readonly (readonly string[])[] {
  return [hex, hex.map((digits) => digits.toUpperCase())];
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** `bytes` within base64 text, behind `offset` unknown bytes: a digit that is shared with a neighbour may be any that fits. */
function base64Pattern(bytes: readonly number[], offset: number): Pattern {
  const bits = '?'.repeat(8 * offset) + bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const pattern: Spellings[] = [];
  for (let at = 6 * Math.floor((8 * offset) / 6); at < bits.length; at += 6) {
    const wanted = bits.slice(at, at + 6).padEnd(6, '?');
    pattern.push(
      Array.from({ length: 64 }, (_, value) => value)
        .filter((value) => fits(value, wanted))
        .flatMap(digitOf),
    );
  }
  return pattern;
}

function fits(value: number, wanted: string): boolean {
  const bits = value.toString(2).padStart(6, '0');
  return Array.from(wanted).every((bit, index) => bit === '?' || bit === bits[index]);
}

function digitOf(value: number): Spellings {
  const digit = ALPHABET.charAt(value);
  if (value === 62) return [...spellingsOf(digit), '-'];
  return value === 63 ? [...spellingsOf(digit), '_'] : [digit];
}

/** The UTF-8 bytes of `text`; an unpaired surrogate is replaced, as every encoder does. */
function utf8Bytes(text: string): readonly number[] {
  return Array.from(text).flatMap((character) => {
    const point = character.codePointAt(0) ?? 0;
    const code = point >= 0xd800 && point < 0xe000 ? 0xfffd : point;
    if (code < 0x80) return [code];
    if (code < 0x800) return [0xc0 | (code >> 6), tail(code)];
    if (code < 0x10000) return [0xe0 | (code >> 12), tail(code >> 6), tail(code)];
    return [0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code)];
  });
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f);
}
