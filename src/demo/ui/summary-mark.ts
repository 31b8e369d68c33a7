import { html, type TemplateResult } from 'lit';

import { prose } from './prose.ts';

/** Where the model stopped to read the messages above: it reads this in their place. They stay for people. */
export function summaryMark(text: string): TemplateResult {
  return html`<details class="summary-mark" data-testid="summary-mark">
    <summary>The model reads a summary of what came before</summary>
    ${prose(text)}
  </details>`;
}
