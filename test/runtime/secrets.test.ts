import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { LashError } from '../../src/core/error.ts';
import { redact, REDACTED, secretPatterns } from '../../src/core/redact.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';

const SECRET = 'sk-Ab+/9"ü\\ 漢🔑key';

const vaultWith = (...secrets: readonly string[]): SecretVault => {
  const vault = new SecretVault();
  for (const secret of secrets) vault.add(secret);
  return vault;
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const escapeUnits = (text: string): string =>
  text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const lowerHex = (text: string): string => text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Every way in which a secret may turn up, by name. */
const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  literal: (secret) => secret,
  'JSON-escaped': inJson,
  'JSON-escaped with slashes': (secret) => inJson(secret).replaceAll('/', '\\/'),
  'JSON-escaped in ASCII': escapeUnits,
  'JSON-escaped in ASCII, upper case': (secret) =>
    escapeUnits(secret).replaceAll(/[a-f0-9]{4}/g, (hex) => hex.toUpperCase()),
  'JSON within JSON': (secret) => inJson(inJson(secret)),
  'JSON within JSON within JSON': (secret) => inJson(inJson(inJson(secret))),
  'URL-encoded': encodeURIComponent,
  'URL-encoded in lower case': (secret) => lowerHex(encodeURIComponent(secret)),
  'URL-encoded as a form': (secret) => new URLSearchParams({ q: secret }).toString().slice(2),
  'URL-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'URL-encoded within JSON': (secret) => inJson(encodeURIComponent(secret)),
  base64,
  'base64 without padding': (secret) => base64(secret).replaceAll('=', ''),
  'base64 for URLs': (secret) => Buffer.from(secret).toString('base64url'),
  'base64, URL-encoded': (secret) => encodeURIComponent(base64(secret)),
  'base64 within JSON': (secret) => base64(secret).replaceAll('/', '\\/'),
  'base64 behind one byte': (secret) => base64(`:${secret}`),
  'base64 behind two bytes': (secret) => base64(`u:${secret}`),
  'base64 within more': (secret) => base64(`user:${secret}; and more`),
  'base64 for URLs within more': (secret) => Buffer.from(`some ${secret} text`).toString('base64url'),
};

/** A secret whose ends cannot join with the marker that replaces it. */
const secrets = fc
  .string({ unit: 'grapheme', minLength: 8, maxLength: 40 })
  .filter((secret) => secret.trim().length >= 8 && !/^[redact\]]|[[redact]$|\[|\]/.test(secret.trim()));

const surroundings = fc.string({ maxLength: 20 });
const PINNED = { seed: 20_261_122, numRuns: 400 } as const;

/** Cuts `text` into pieces at the given places. */
function cut(text: string, places: readonly number[]): readonly string[] {
  const ends = [...new Set(places.map((place) => place % (text.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, text.length].map((end, index) => text.slice(index === 0 ? 0 : ends[index - 1], end));
}

function streamed(vault: SecretVault, pieces: readonly string[]): string {
  const stream = vault.stream();
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end();
}

describe('a vault', () => {
  test('[SE1] gives a credential by name, and CredentialsRequired where there is none', () => {
    const vault = new SecretVault();
    vault.set('openai', 'sk-12345678');
    expect(vault.credential('openai')).toBe('sk-12345678');
    expect(() => vault.credential('other')).toThrow(
      expect.objectContaining({ code: 'CredentialsRequired', data: { name: 'other' } }),
    );
  });

  test('[SE1] replacing a credential keeps redacting the old one', () => {
    const vault = new SecretVault();
    vault.set('a', 'first-secret');
    vault.set('a', 'second-secret');
    expect(vault.credential('a')).toBe('second-secret');
    expect(vault.redactText('first-secret, second-secret')).toBe(`${REDACTED}, ${REDACTED}`);
  });

  test('[SE1] finds the same, few secrets or many', () => {
    const others = Array.from({ length: 64 }, (_, at) => `other-${10 + at}`);
    fc.assert(
      fc.property(
        secrets,
        fc.array(fc.tuple(surroundings, fc.constantFrom(...Object.values(ENCODINGS))), { maxLength: 4 }),
        (secret, pieces) => {
          const text = pieces.map(([before, encode]) => before + encode(secret)).join('');
          const few = redact(secretPatterns([secret]), text, true);
          expect(redact(secretPatterns([secret, ...others]), text, true)).toEqual(few);
        },
      ),
      { ...PINNED, numRuns: 8 },
    );
  });

  test('[SE1] redacts a secret with and without the white space around it', () => {
    expect(vaultWith(' padded-secret\n').redactText('"padded-secret"')).toBe(`"${REDACTED}"`);
  });

  test('[SE1] leaves secrets of fewer than 8 characters alone', () => {
    expect(vaultWith('1234567').redactText('1234567')).toBe('1234567');
    expect(vaultWith('12345678').redactText('12345678')).toBe(REDACTED);
  });

  test('[SE1] replaces the longer of two secrets that begin alike', () => {
    const vault = vaultWith('secret-one', 'secret-one-and-more');
    expect(vault.redactText('secret-one-and-more')).toBe(REDACTED);
    expect(streamed(vault, ['secret-one', '-and', '-more'])).toBe(REDACTED);
    expect(streamed(vault, ['secret-one', '-and', '-less'])).toBe(`${REDACTED}-and-less`);
  });
});

describe.each(Object.entries(ENCODINGS))('a secret that is written %s', (_, encode) => {
  test('[SE1] is replaced, and what surrounds it stays', () => {
    expect(vaultWith(SECRET).redactText(`before ${encode(SECRET)} after`)).toMatch(
      /^before \S*\[redacted\]\S*( more)? after$/,
    );
  });

  test('[SE1] is nowhere in the output, whatever it is and however the text is cut', () => {
    fc.assert(
      fc.property(
        secrets,
        surroundings,
        surroundings,
        fc.array(fc.nat(), { maxLength: 8 }),
        (secret, before, after, places) => {
          const vault = vaultWith(secret);
          const written = encode(secret);
          const text = before + written + after;
          const whole = vault.redactText(text);
          expect(whole).toContain(REDACTED);
          expect(whole).not.toContain(written);
          expect(whole).not.toContain(secret);
          expect(streamed(vault, cut(text, places))).toBe(whole);
        },
      ),
      { ...PINNED, numRuns: 60 },
    );
  });
});

describe('text without secrets', () => {
  test('[SE1] passes unchanged, whole and in pieces', () => {
    fc.assert(
      fc.property(secrets, fc.string({ maxLength: 200 }), fc.array(fc.nat()), (secret, text, places) => {
        fc.pre(!text.includes(secret.trim()));
        const vault = vaultWith(secret);
        expect(vault.redactText(text)).toBe(text);
        expect(streamed(vault, cut(text, places))).toBe(text);
      }),
      PINNED,
    );
  });

  test('[SE1] is held back only as far as it may still become a secret', () => {
    const stream = vaultWith('secret-value').stream();
    expect(stream.push('The secret')).toBe('The ');
    expect(stream.push(' is safe')).toBe('secret is safe');
    expect(stream.push('; secret-val')).toBe('; ');
    expect(stream.push('ue!')).toBe(`${REDACTED}!`);
    expect(stream.push('sec')).toBe('');
    expect(stream.end()).toBe('sec');
  });

  test('[SE1] is not held back at all while there are no secrets', () => {
    const stream = new SecretVault().stream();
    expect(stream.push('anything')).toBe('anything');
    expect(stream.end()).toBe('');
  });

  test('[SE1] a secret that is set while a text streams is found from then on', () => {
    const vault = new SecretVault();
    const stream = vault.stream();
    expect(stream.push('late-secret ')).toBe('late-secret ');
    vault.add('late-secret');
    expect(stream.push('late-secret.') + stream.end()).toBe(`${REDACTED}.`);
  });

  test('[SE1] that almost matches at every place takes no time that grows out of hand', () => {
    const vault = vaultWith('\\'.repeat(64));
    const text = `${'\\'.repeat(63)}x`.repeat(20);
    expect(vault.redactText(text)).toBe(text);
  });
});

describe('data', () => {
  const vault = vaultWith(SECRET);

  test('[SE1] keeps its identity when it holds no secret, part by part', () => {
    const part = { list: [1, 'two', null, { three: true }], absent: undefined };
    expect(vault.redactJson(part)).toBe(part);
    const mixed = vault.redactJson({ part, other: SECRET });
    expect(mixed).toEqual({ part, other: REDACTED });
    expect(mixed.part).toBe(part);
  });

  test('[SE1] has secrets replaced in strings and keys at any depth', () => {
    expect(vault.redactJson({ [`x ${SECRET}`]: [{ deep: [`${SECRET} y`] }] })).toEqual({
      [`x ${REDACTED}`]: [{ deep: [`${REDACTED} y`] }],
    });
  });

  test('[SE1] keeps bytes as they are', () => {
    const value = { bytes: new Uint8Array([1, 2]), text: SECRET };
    expect(vault.redactJson(value).bytes).toBe(value.bytes);
  });

  test('[SE1] is untouched when there are no secrets', () => {
    const value = { a: [SECRET] };
    expect(new SecretVault().redactJson(value)).toBe(value);
  });
});

describe('an error', () => {
  test('[SE1] has secrets replaced in message, stack, data and causes', () => {
    const vault = vaultWith(SECRET);
    const cause = Object.assign(new TypeError(`fetch ${SECRET}`), { requestBody: SECRET });
    const inner = new LashError('Internal', `inner ${base64(SECRET)}`, {}, { cause });
    const error = new LashError(
      'InvalidInput',
      `no ${SECRET}`,
      { path: SECRET, reason: encodeURIComponent(SECRET) },
      { cause: inner },
    );
    error.stack = `LashError: no ${SECRET}\n  at somewhere`;
    const redacted = vault.redactError(error);
    expect(redacted).toMatchObject({
      code: 'InvalidInput',
      message: `no ${REDACTED}`,
      stack: `LashError: no ${REDACTED}\n  at somewhere`,
      data: { path: REDACTED, reason: REDACTED },
      cause: { code: 'Internal', cause: { name: 'TypeError', message: `fetch ${REDACTED}` } },
    });
    expect((redacted.cause as Error).message).toMatch(/^inner \[redacted\]=*$/);
    expect((redacted.cause as Error).cause).not.toHaveProperty('requestBody');
  });

  test('[SE1] of another kind becomes an Internal one', () => {
    expect(vaultWith(SECRET).redactError(new RangeError(SECRET))).toMatchObject({
      code: 'Internal',
      message: REDACTED,
    });
    expect(new SecretVault().redactError('text')).toMatchObject({ code: 'Internal', message: 'text' });
  });
});
