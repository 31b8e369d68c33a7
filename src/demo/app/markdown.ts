import DOMPurify from 'dompurify';
import { Marked, type Token, type TokensList } from 'marked';

/** A top-level block of a Markdown text. Two blocks with the same `key` look the same. */
export interface MarkdownBlock {
  readonly key: string;
  readonly tokens: TokensList;
}

const TAGS =
  'p br hr h1 h2 h3 h4 h5 h6 blockquote ul ol li pre code strong em del s sub sup kbd a ' +
  'table thead tbody tr th td';

/** What model text may contain. Nothing here loads anything, styles anything or takes input. */
const ALLOWED = {
  ALLOWED_TAGS: TAGS.split(' '),
  ALLOWED_ATTR: ['href', 'title', 'start', 'align', 'colspan', 'rowspan'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  // Without this the values of these would have to be addresses too.
  ADD_URI_SAFE_ATTR: ['start', 'align', 'colspan', 'rowspan'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // A link instead of the image: to load it would tell its server that the text was read.
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text === '' ? href : text)}</a>`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

/** The blocks of `text`. While a text grows, all but the last few stay as they were and need no new rendering. */
export function markdownBlocks(text: string): readonly MarkdownBlock[] {
  const tokens = marked.lexer(text);
  const { links } = tokens;
  return tokens
    .filter((token) => token.type !== 'space' && token.type !== 'def')
    .map((token: Token) => ({ key: token.raw, tokens: Object.assign([token], { links }) }));
}

/** A block as DOM that is safe to show (law SE4): Markdown first, sanitised after, by allow-list. */
export function renderBlock(block: MarkdownBlock): DocumentFragment {
  const fragment = DOMPurify.sanitize(marked.parser(block.tokens), ALLOWED);
  for (const link of fragment.querySelectorAll('a')) makeLinkSafe(link);
  for (const heading of fragment.querySelectorAll('h1, h2, h3, h4, h5, h6')) fitIntoPage(heading);
  for (const table of fragment.querySelectorAll('table')) makeScrollable(table);
  for (const code of fragment.querySelectorAll('pre')) code.tabIndex = 0;
  return fragment;
}

function makeLinkSafe(link: HTMLAnchorElement): void {
  if (link.hasAttribute('href')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
  } else {
    link.replaceWith(...link.childNodes);
  }
}

/** The outline of the page is ours: a model's headings are all of one level in it, and keep their size. */
function fitIntoPage(heading: Element): void {
  const own = document.createElement('h3');
  own.className = `size-${heading.tagName.toLowerCase()}`;
  own.append(...heading.childNodes);
  heading.replaceWith(own);
}

function makeScrollable(table: Element): void {
  const scroller = document.createElement('div');
  scroller.className = 'table-scroller';
  scroller.tabIndex = 0;
  table.replaceWith(scroller);
  scroller.append(table);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
