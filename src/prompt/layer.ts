import type {
  PromptContributionData,
  PromptLayerData,
  PromptSlotEdit,
  PromptSlotName,
  PromptTemplateData,
} from '../core/prompt-layer.ts';

/** One layer of the prompt: a template, if it chooses one, and what it does to each slot. */
export type PromptLayer = PromptLayerData;

/** The layer that changes nothing. */
export const emptyLayer: PromptLayer = Object.freeze({ slots: Object.freeze({}) });

/** `layer` with `contribution` behind what its slot has; a slot that was replaced or cleared stays so. */
export function addContribution(layer: PromptLayer, contribution: PromptContributionData): PromptLayer {
  const edit = layer.slots[contribution.slot] ?? { reset: false, contributions: [] };
  return withSlot(layer, contribution.slot, {
    ...edit,
    contributions: [...edit.contributions, contribution],
  });
}

/** `layer` with exactly `contributions` in `slot`, whatever slot they name; lower layers' are dropped there. */
export function replaceSlot(
  layer: PromptLayer,
  slot: PromptSlotName,
  contributions: Iterable<PromptContributionData>,
): PromptLayer {
  return withSlot(layer, slot, {
    reset: true,
    contributions: Array.from(contributions, (contribution) => ({ ...contribution, slot })),
  });
}

/** `layer` with nothing in `slot`; lower layers' contributions are dropped there. */
export function clearSlot(layer: PromptLayer, slot: PromptSlotName): PromptLayer {
  return withSlot(layer, slot, { reset: true, contributions: [] });
}

/** `layer` with this template; `undefined` leaves the choice to lower layers. */
export function withTemplate(layer: PromptLayer, template: PromptTemplateData | undefined): PromptLayer {
  return template === undefined ? { slots: layer.slots } : { ...layer, template };
}

/** Makes and changes layers; every function returns a new layer and leaves the given one as it was. */
export const PromptLayer: {
  readonly empty: PromptLayer;
  readonly addContribution: typeof addContribution;
  readonly replaceSlot: typeof replaceSlot;
  readonly clearSlot: typeof clearSlot;
  readonly withTemplate: typeof withTemplate;
} = Object.freeze({ empty: emptyLayer, addContribution, replaceSlot, clearSlot, withTemplate });

function withSlot(layer: PromptLayer, slot: PromptSlotName, edit: PromptSlotEdit): PromptLayer {
  return { ...layer, slots: { ...layer.slots, [slot]: edit } };
}
