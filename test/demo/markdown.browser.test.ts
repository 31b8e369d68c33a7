import { afterEach, describe, expect, test } from 'vitest';

import { markdownBlocks, renderBlock } from '../../src/demo/app/markdown.ts';
import { eventually } from '../support/eventually.ts';

const PIXEL = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';

/** What a text looks like in the page. It is put into the document, so that whatever can run or load does. */
function shown(text: string): HTMLElement {
  const place = document.createElement('div');
  place.className = 'markdown-test';
  document.body.append(place);
  for (const block of markdownBlocks(text)) place.append(renderBlock(block));
  return place;
}

function links(text: string): readonly Element[] {
  return [...shown(text).querySelectorAll('a')];
}

const attempts: readonly { readonly name: string; readonly text: string }[] = [
  { name: 'a script', text: '<script>globalThis.ran = true</script>' },
  { name: 'a script in a list', text: '- a\n  <script>globalThis.ran = true</script>' },
  { name: 'a script between words', text: 'a <script>globalThis.ran = true</script> b' },
  { name: 'a script in SVG', text: '<svg><script>globalThis.ran = true</script></svg>' },
  { name: 'an error handler', text: `<img src="${PIXEL.slice(0, 30)}" onerror="globalThis.ran = true">` },
  { name: 'a load handler', text: `<img src="${PIXEL}" onload="globalThis.ran = true">` },
  { name: 'a handler in SVG', text: '<svg onload="globalThis.ran = true"><circle r="1"/></svg>' },
  {
    name: 'a toggle handler',
    text: '<details open ontoggle="globalThis.ran = true"><summary>a</summary></details>',
  },
  { name: 'a focus handler', text: '<p tabindex="0" autofocus onfocus="globalThis.ran = true">a</p>' },
  { name: 'a frame with a script', text: '<iframe srcdoc="<script>parent.ran = true</script>"></iframe>' },
  { name: 'a frame at a script', text: '<iframe src="javascript:parent.ran = true"></iframe>' },
  { name: 'an object', text: '<object data="javascript:globalThis.ran = true"></object><embed src="a.swf">' },
  { name: 'a style', text: '<style>body { display: none }</style>' },
  { name: 'a style of an element', text: '<p style="position: fixed; inset: 0">a</p>' },
  { name: 'a style sheet', text: '<link rel="stylesheet" href="https://evil.test/a.css">' },
  {
    name: 'a form',
    text: '<form action="https://evil.test"><input name="key" autofocus><button>Go</button></form>',
  },
  {
    name: 'fields',
    text: '<textarea>a</textarea><select><option>a</option></select><input type="password">',
  },
  { name: 'a picture from elsewhere', text: '<img src="https://evil.test/seen.png">' },
  { name: 'a picture in Markdown', text: '![seen](https://evil.test/seen.png)' },
  {
    name: 'media',
    text: '<video src="https://evil.test/a.mp4" autoplay></video><audio src="/a.mp3"></audio>',
  },
  {
    name: 'a picture in a picture',
    text: '<picture><source srcset="https://evil.test/a.png"><img></picture>',
  },
  { name: 'a background', text: '<table background="https://evil.test/a.png"><tr><td>a</td></tr></table>' },
  { name: 'a base', text: '<base href="https://evil.test/">' },
  { name: 'a redirect', text: '<meta http-equiv="refresh" content="0; url=https://evil.test">' },
  { name: 'a custom element', text: '<x-a onclick="globalThis.ran = true">a</x-a>' },
  { name: 'a template', text: '<template><script>globalThis.ran = true</script></template>' },
  { name: 'mathematics', text: '<math><mtext><img src=x onerror="globalThis.ran = true"></mtext></math>' },
  {
    name: 'a comment that closes early',
    text: '<!--><img src=x onerror="globalThis.ran = true">-->',
  },
  {
    name: 'nested namespaces',
    text: '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=globalThis.ran=true&gt;">',
  },
  { name: 'names of the page', text: '<p id="app" name="cookie" class="error-banner">a</p>' },
  { name: 'data attributes', text: '<p data-testid="send">a</p>' },
  { name: 'roles and names of its own', text: '<p role="button" aria-label="Send" aria-hidden="true">a</p>' },
  { name: 'parts of custom elements', text: '<p slot="a" part="b" is="x-y">a</p>' },
  {
    name: 'a link with a handler',
    text: '<a href="https://a.test" onclick="globalThis.ran = true" ping="/p">a</a>',
  },
];

const ELEMENTS =
  'p br hr h3 blockquote ul ol li pre code strong em del s sub sup kbd a table thead tbody tr th td div'.split(
    ' ',
  );
const ATTRIBUTES = 'href title start align colspan rowspan target rel class tabindex'.split(' ');
const CLASSES = /^(?:|size-h[1-6]|table-scroller)$/;

afterEach(() => {
  for (const place of document.querySelectorAll('.markdown-test')) place.remove();
});

describe('[SE4] model text', () => {
  test.each(attempts)('cannot bring in $name', async ({ text }) => {
    const loadsBefore = performance.getEntriesByType('resource').length;
    for (const variant of [text, `> ${text}`, `before\n\n${text}\n\nafter`]) {
      const place = shown(variant);
      for (const element of place.querySelectorAll('*')) {
        expect(ELEMENTS).toContain(element.localName);
        expect(element.namespaceURI).toBe('http://www.w3.org/1999/xhtml');
        for (const { name } of element.attributes) expect(ATTRIBUTES).toContain(name);
        expect(element.getAttribute('class') ?? '').toMatch(CLASSES);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(globalThis).not.toHaveProperty('ran');
    const loaded = performance.getEntriesByType('resource').slice(loadsBefore);
    expect(loaded.filter(({ name }) => name.includes('evil.test'))).toEqual([]);
  });

  test('can do all of this where it is not sanitised, so that these tests can fail', async () => {
    const place = document.createElement('div');
    place.className = 'markdown-test';
    place.innerHTML = '<img src="data:," onerror="globalThis.ranUnsanitised = true">';
    document.body.append(place);
    await eventually(() => expect('ranUnsanitised' in globalThis).toBe(true));
  });
});

describe('[SE4] a link in model text', () => {
  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    '&#106;avascript:alert(1)',
    ' javascript:alert(1)',
    'vbscript:msgbox(1)',
    'data:text/html,<script>alert(1)</script>',
    'data:text/html;base64,PHNjcmlwdD4=',
    'blob:https://a.test/1',
    'file:///etc/passwd',
    'intent://a.test',
    'about:blank',
    '//a.test/x',
    '/relative',
    '#session=other',
    '?db=other',
  ])('to %j is only its text', (href) => {
    for (const text of [
      `<a href="${href}">label</a>`,
      `[label](<${href}>)`,
      `[label][1]\n\n[1]: <${href}>`,
    ]) {
      const place = shown(text);
      expect(place.querySelectorAll('a')).toHaveLength(0);
      expect(place.textContent).toContain('label');
    }
  });

  test.each(['https://a.test/x?y=1#z', 'http://localhost:1234/', 'mailto:a@a.test', 'HTTPS://a.test/'])(
    'to %s opens elsewhere and tells nothing of this page',
    (href) => {
      for (const text of [`[label](${href})`, `<a href="${href}" target="_self" rel="opener">label</a>`]) {
        const [link, ...others] = links(text);
        expect(others).toEqual([]);
        expect(link?.getAttribute('href')).toBe(href);
        expect(link?.getAttribute('target')).toBe('_blank');
        expect(link?.getAttribute('rel')).toBe('noopener noreferrer');
        expect(link?.textContent).toBe('label');
      }
    },
  );

  test('is recognised in plain text, and there too opens elsewhere', () => {
    const [link] = links('see https://a.test/x for more');
    expect([link?.textContent, link?.getAttribute('rel')]).toEqual([
      'https://a.test/x',
      'noopener noreferrer',
    ]);
  });

  test('stands for a picture, which is never loaded', () => {
    const [link] = links('![a "cat" <b>](https://a.test/cat.png)');
    expect([link?.getAttribute('href'), link?.textContent]).toEqual([
      'https://a.test/cat.png',
      'a "cat" <b>',
    ]);
    expect(links('![](https://a.test/cat.png)')[0]?.textContent).toBe('https://a.test/cat.png');
    expect(links(`![cat](${PIXEL})`)).toEqual([]);
    expect(links('![cat](javascript:alert(1))')).toEqual([]);
  });
});

describe('model text that means no harm', () => {
  test('keeps its form', () => {
    const place = shown(
      '# Title\n\n**bold** and `code`\n\n- [x] done\n- [ ] open\n\n```\n<b>\n```\n\n|a|b|\n|:-|-:|\n|1|2|',
    );
    expect(place.querySelector('h3.size-h1')?.textContent).toBe('Title');
    expect(place.querySelector('strong')?.textContent).toBe('bold');
    expect(place.querySelector('p code')?.textContent).toBe('code');
    expect([...place.querySelectorAll('li')].map((item) => item.textContent.trim())).toEqual([
      '☑ done',
      '☐ open',
    ]);
    expect(place.querySelector('pre')?.textContent).toBe('<b>\n');
    expect(place.querySelector('pre')?.tabIndex).toBe(0);
    expect(place.querySelector('.table-scroller > table td[align="right"]')?.textContent).toBe('2');
  });

  test('keeps what numbers and attributes say of lists, tables and links', () => {
    const place = shown(
      '7. seven\n8. eight\n\n[label](https://a.test "tip")\n\n<table><tr><td colspan="2" rowspan="3">a</td></tr></table>',
    );
    expect(place.querySelector('ol')?.start).toBe(7);
    expect(place.querySelector('a')?.title).toBe('tip');
    expect([place.querySelector('td')?.colSpan, place.querySelector('td')?.rowSpan]).toEqual([2, 3]);
  });

  test('is shown literally where it only looks like a page', () => {
    const place = shown('2 < 3 && 5 > 4, `<script>`');
    expect(place.textContent.trim()).toBe('2 < 3 && 5 > 4, <script>');
  });

  test('keeps the blocks that are done while it grows', () => {
    const text = '# A\n\nfirst [x]\n\nsecond\n\nthird';
    const half = markdownBlocks(text.slice(0, text.indexOf('second') + 3));
    const whole = markdownBlocks(text);
    expect(whole).toHaveLength(4);
    expect(whole.slice(0, 2).map(({ key }) => key)).toEqual(half.slice(0, 2).map(({ key }) => key));
  });
});
