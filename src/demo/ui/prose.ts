import { html, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';

import { markdownBlocks, renderBlock } from '../app/markdown.ts';

/** Model text as sanitised Markdown. A block that did not change since the last frame is not rendered again. */
export function prose(text: string): TemplateResult {
  return html`<div class="prose">
    ${markdownBlocks(text).map((block) => guard([block.key], () => renderBlock(block)))}
  </div>`;
}
