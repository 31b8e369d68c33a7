import { PROMPT_SLOTS, type PromptSlotName } from '../core/prompt-layer.ts';

/** A named place in a prompt template. */
export type PromptSlot = PromptSlotName;

/** The slots by name; each is its own name, so that `PromptSlot.guidance` and `'guidance'` are the same. */
export const PromptSlot: { readonly [Name in PromptSlotName]: Name } = Object.freeze(
  Object.fromEntries(PROMPT_SLOTS.map((name) => [name, name])) as { [Name in PromptSlotName]: Name },
);
