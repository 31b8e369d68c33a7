import { directive, Directive, type ElementPart } from 'lit/directive.js';

class Modal extends Directive {
  render(_open: boolean): void {}

  override update(part: ElementPart, [open]: [boolean]): void {
    const dialog = part.element as HTMLDialogElement;
    // A dialog can only be shown once it is in the document.
    queueMicrotask(() => {
      if (open && !dialog.open && dialog.isConnected) dialog.showModal();
      if (!open && dialog.open) dialog.close();
    });
  }
}

/** Closes the dialog that `event` comes from at once, instead of with the next frame. */
export function closeDialog(event: Event): void {
  (event.currentTarget as Element).closest('dialog')?.close();
}

/** `<dialog ${modal(open)}>`: open or closed as the state says. */
export const modal = directive(Modal);
