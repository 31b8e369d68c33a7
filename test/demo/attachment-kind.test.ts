import { describe, expect, test } from 'vitest';

import { asText, kindOf } from '../../src/demo/app/attachment-kind.ts';

const file = (bytes: BlobPart, type: string, name = 'f'): File => new File([bytes], name, { type });

describe('what a file is to the demo', () => {
  test.each(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])('%s is a picture', async (type) => {
    expect(await kindOf(file(new Uint8Array([0x89, 0, 0xff]), type))).toBe('image');
  });

  test.each([
    ['plain', 'text/plain', 'hello'],
    ['of no known type', '', 'export const a = 1;'],
    ['TypeScript, which browsers take for video', 'video/mp2t', 'type A = string;'],
    ['SVG, which is not shown as a picture', 'image/svg+xml', '<svg onload="alert(1)"/>'],
    ['empty', '', ''],
    ['in many scripts', '', 'ü漢😀'],
  ])('a text is one by what is in it: %s', async (_name, type, content) => {
    expect(await kindOf(file(content, type))).toBe('text');
  });

  test('a character that the sample cuts in two does not make a text unreadable', async () => {
    for (const shift of [0, 1, 2, 3])
      expect(await kindOf(file('a'.repeat(shift) + '😀'.repeat(2000), ''))).toBe('text');
  });

  test.each([
    ['a NUL byte', new Uint8Array([0x61, 0, 0x62])],
    ['bytes that are no UTF-8', new Uint8Array([0x61, 0xff, 0xfe])],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x61, 0])],
  ])('%s makes it neither, whatever the browser says', async (_name, bytes) => {
    expect(await kindOf(file(bytes, 'text/plain'))).toBe('other');
  });
});

describe('a file as a text', () => {
  test.each(['text/plain', 'text/csv', 'application/json'])('stays as it is when it is %s', (type) => {
    const given = file('a', type);
    expect(asText(given)).toBe(given);
  });

  test.each(['', 'video/mp2t', 'image/svg+xml', 'application/octet-stream'])(
    'keeps its name and bytes and loses the type "%s"',
    async (type) => {
      const text = asText(file('a\nb', type, 'main.ts'));
      expect([text.name, text.type, await text.text()]).toEqual(['main.ts', 'text/plain', 'a\nb']);
    },
  );
});
