import { html, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import { chooseFiles } from './composer.ts';
import { focusComposer } from './focus.ts';

interface Example {
  readonly title: string;
  readonly prompt: string;
  /** Whether it needs a file. */
  readonly withFile?: boolean;
}

const EXAMPLES: readonly Example[] = [
  { title: 'Two sums at once', prompt: 'Calculate 12 * 7 and (144 - 36) / 9' },
  { title: 'Keep a note', prompt: 'Remember that the meeting is on Thursday at 10' },
  { title: 'Ask for it again', prompt: 'Recall the meeting' },
  { title: 'Be asked first', prompt: 'Forget the meeting' },
  { title: 'Close the tab meanwhile', prompt: 'Set a timer for 30 seconds' },
  { title: 'Choose a text file', prompt: 'Read the attached file', withFile: true },
];

/** What an empty chat shows: what this is, and some things to try. */
export function welcome(app: App): TemplateResult {
  const use = ({ prompt, withFile = false }: Example) => {
    app.draft.text = prompt;
    app.redraw();
    if (withFile) chooseFiles();
    focusComposer();
  };
  return html`<section class="welcome">
    <h2>What shall we work on?</h2>
    <p>
      Everything here runs in this browser: the agent in a worker, your chats in its storage. The built-in
      model works offline and only shows what the tools can do; choose a real one in the
      <button type="button" class="link-button" @click=${() => app.openSettings()}>settings</button>.
    </p>
    <ul class="examples">
      ${EXAMPLES.map(
        (example) =>
          html`<li>
            <button type="button" data-testid="example" @click=${() => use(example)}>
              <strong>${example.title}</strong><span>${example.prompt}</span>
            </button>
          </li>`,
      )}
    </ul>
  </section>`;
}
