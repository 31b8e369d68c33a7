import { html, nothing, type TemplateResult } from 'lit';

import { icon, type IconName } from './icons.ts';

/** A button that is an icon, and what it is called. */
export interface IconButton {
  readonly icon: IconName;
  readonly label: string;
  readonly testId?: string;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly className?: string;
  readonly onClick: () => void;
}

/** A button with an icon instead of words; the words are its name and its tooltip. */
export function iconButton(button: IconButton): TemplateResult {
  return html`<button
    type="button"
    class="icon-button ${button.className ?? ''}"
    aria-label=${button.label}
    title=${button.label}
    data-testid=${button.testId ?? nothing}
    aria-pressed=${button.pressed === undefined ? nothing : String(button.pressed)}
    ?disabled=${button.disabled ?? false}
    @click=${button.onClick}
  >
    ${icon(button.icon)}
  </button>`;
}
