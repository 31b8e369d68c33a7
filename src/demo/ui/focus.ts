/** Puts the focus into the composer once the next frame is drawn. */
export function focusComposer(): void {
  afterNextFrame(() => document.querySelector<HTMLElement>('#composer-text')?.focus());
}

/** The same where that does not open a keyboard over the conversation. */
export function offerComposer(): void {
  if (!matchMedia('(pointer: coarse)').matches) focusComposer();
}

/** Puts the focus on a branch picker's button in the message that took the place of another one. */
export function focusInMessage(nodeId: string, button: 'branch-prev' | 'branch-next'): void {
  const other = button === 'branch-prev' ? 'branch-next' : 'branch-prev';
  focusOneOf(`[data-node-id="${CSS.escape(nodeId)}"]`, [button, other]);
}

/** Puts the focus on a button of a message that waits, or on its other one where that cannot be used any more. */
export function focusQueued(turnId: string, button: 'queue-up' | 'queue-down'): void {
  const other = button === 'queue-up' ? 'queue-down' : 'queue-up';
  focusOneOf(`[data-turn-id="${CSS.escape(turnId)}"]`, [button, other]);
}

/** Puts the focus on a button of a session in the list, or on the list's first one when that session is gone. */
export function focusSession(sessionId: string, testId: string): void {
  afterNextFrame(() => {
    const item = document.querySelector(`[data-session-id="${CSS.escape(sessionId)}"]`);
    const button = item?.querySelector<HTMLElement>(`[data-testid=${testId}]`);
    (button ?? document.querySelector<HTMLElement>('[data-testid=new-session]'))?.focus();
  });
}

/** Runs `action` when what is to be drawn in the coming frame is in the document. */
export function afterNextFrame(action: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(action));
}

/** Puts the focus on the first of these buttons in `area` that can be used. */
function focusOneOf(area: string, testIds: readonly string[]): void {
  afterNextFrame(() => {
    const buttons = testIds.map((testId) =>
      document.querySelector<HTMLElement>(`${area} [data-testid=${testId}]:enabled`),
    );
    buttons.find((button) => button !== null)?.focus();
  });
}
