/** Whether anything of a plugin is under way in which its state may change (rule PS2); what is may overlap. */
export class StateGate {
  #inside = 0;

  get isOpen(): boolean {
    return this.#inside > 0;
  }

  enter(): void {
    this.#inside++;
  }

  leave(): void {
    this.#inside--;
  }
}
