import type { BranchPoint } from 'lash-web';
import { html, type TemplateResult } from 'lit';

import { iconButton } from './button.ts';

/** `‹ 2/3 ›`: which of several messages at the same place is shown, and a way to the others. */
export function branchPicker(
  { nodeId, siblings }: BranchPoint,
  disabled: boolean,
  choose: (tip: string, nodeId: string, button: 'branch-prev' | 'branch-next') => void,
): TemplateResult {
  const at = siblings.findIndex((sibling) => sibling.nodeId === nodeId);
  const step = (testId: 'branch-prev' | 'branch-next', label: string, by: -1 | 1) => {
    const target = siblings[at + by];
    return iconButton({
      icon: 'chevron',
      label,
      testId,
      className: testId,
      disabled: disabled || target === undefined,
      onClick: () => {
        if (target !== undefined) choose(target.tip, target.nodeId, testId);
      },
    });
  };
  return html`<span class="branch-picker" role="group" aria-label="Versions of this message">
    ${step('branch-prev', 'Previous version', -1)}
    <span class="branch-label" data-testid="branch-label">${at + 1}/${siblings.length}</span>
    ${step('branch-next', 'Next version', 1)}
  </span>`;
}
