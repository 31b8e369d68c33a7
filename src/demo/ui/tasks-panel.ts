import type { BackgroundTaskRecord } from 'lash-web';
import { html, nothing, type TemplateResult } from 'lit';

import type { App } from '../app/app.ts';
import type { Chat } from '../app/chat.ts';
import { isOver, stateInWords, tasksOf } from '../app/tasks.ts';
import { iconButton } from './button.ts';
import { focusComposer } from './focus.ts';

/**
 * What runs in the background of the open chat, in whichever tab, and what ended since this page was loaded; the next
 * question lets go of that.
 */
export function tasksPanel(app: App): TemplateResult | typeof nothing {
  const { chat } = app;
  const tasks = chat === null ? [] : tasksOf(chat.view, performance.timeOrigin);
  if (chat === null || tasks.length === 0) return nothing;
  const live = tasks.filter((task) => !isOver(task)).length;
  return html`<section class="plan" aria-label="Tasks" data-testid="tasks">
    <div class="plan-head">
      <span class="plan-title">Tasks</span> <span class="plan-count">${live} running</span>
    </div>
    <ul>
      ${tasks.map((task) => row(app, chat, task))}
    </ul>
  </section>`;
}

function row(app: App, chat: Chat, task: BackgroundTaskRecord): TemplateResult {
  const { id, state, title } = task;
  const stop = (): void => {
    app.notices.run(chat.session.tasks.cancel(id, 'stopped by the person'));
    focusComposer();
  };
  return html`<li class="task" data-testid="task" data-state=${state}>
    <span class="task-title">${title}</span> <span class="plan-count">${stateInWords(task)}</span>
    ${
      isOver(task)
        ? nothing
        : iconButton({
            icon: 'stop',
            label: `Stop ${title}`,
            testId: 'task-stop',
            disabled: chat.readOnly || state === 'cancel_requested',
            onClick: stop,
          })
    }
  </li>`;
}
