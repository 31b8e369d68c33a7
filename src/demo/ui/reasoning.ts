import { html, type TemplateResult } from 'lit';

import { prose } from './prose.ts';

/** What a model showed of its thinking, folded away. */
export function reasoning(text: string, live: boolean): TemplateResult {
  return html`<details class="reasoning" data-testid="reasoning">
    <summary>${live ? 'Thinking…' : 'Thoughts'}</summary>
    ${prose(text)}
  </details>`;
}
