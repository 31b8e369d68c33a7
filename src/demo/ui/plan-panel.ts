import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import { planOf, type PlanStep } from '../app/plan.ts';
import { iconButton } from './button.ts';
import { focusComposer } from './focus.ts';

/** The plan of the open chat, as a plugin in the worker keeps it: what is to be done, and what is. */
export function planPanel(app: App): TemplateResult | typeof nothing {
  const { chat } = app;
  const steps = chat === null ? [] : planOf(chat.view);
  if (chat === null || steps.length === 0) return nothing;
  const done = steps.filter((step) => step.done).length;
  const busy = chat.readOnly || chat.view.turn !== null;
  return html`<section class="plan" aria-label="Plan" data-testid="plan">
    <div class="plan-head">
      <span class="plan-title">Plan</span> <span class="plan-count">${done} of ${steps.length} done</span>
      ${iconButton({
        icon: 'close',
        label: 'Throw the plan away',
        testId: 'plan-clear',
        disabled: busy,
        onClick: () => {
          app.notices.run(chat.session.runAction('plan', 'clear'));
          focusComposer();
        },
      })}
    </div>
    <ul>
      ${steps.map((step) => row(app, chat, step, busy))}
    </ul>
  </section>`;
}

function row(app: App, chat: Chat, { text, done }: PlanStep, busy: boolean): TemplateResult {
  const toggle = (event: Event): void => {
    // What is stored says whether it is ticked.
    event.preventDefault();
    app.notices.run(chat.session.runAction('plan', 'toggle', text));
  };
  return html`<li>
    <label>
      <input type="checkbox" data-testid="plan-step" .checked=${done} ?disabled=${busy} @click=${toggle} />
      <span>${text}</span>
    </label>
  </li>`;
}
