import { html, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { focusComposer } from './focus.ts';

const EXAMPLES: readonly { readonly title: string; readonly prompt: string }[] = [
  { title: 'Two sums at once', prompt: 'Calculate 12 * 7 and (144 - 36) / 9' },
  { title: 'Keep a note', prompt: 'Remember that the meeting is on Thursday at 10' },
  { title: 'Ask for it again', prompt: 'Recall the meeting' },
  { title: 'Read a file', prompt: 'Read the attached file' },
];

/** What an empty chat shows: what this is, and some things to try. */
export function welcome(app: App): TemplateResult {
  const use = (prompt: string) => {
    app.draft.text = prompt;
    app.redraw();
    focusComposer();
  };
  return html`<section class="welcome">
    <h2>What shall we work on?</h2>
    <p>
      Everything here runs in this browser: the agent in a worker, your chats in its storage. The built-in
      model works offline and only shows what the tools can do; choose a real one in the settings.
    </p>
    <ul class="examples">
      ${EXAMPLES.map(
        ({ title, prompt }) =>
          html`<li>
            <button type="button" data-testid="example" @click=${() => use(prompt)}>
              <strong>${title}</strong><span>${prompt}</span>
            </button>
          </li>`,
      )}
    </ul>
  </section>`;
}
