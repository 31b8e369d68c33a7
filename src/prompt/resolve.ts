import {
  PROMPT_SLOTS,
  type PromptContributionData,
  type PromptLayerData,
  type PromptSlotName,
  type PromptTemplateData,
} from '../core/prompt-layer.ts';
import { PromptTemplate } from './template.ts';

/** What several layers come to: one template, and per slot what to show there, in order. */
export interface ResolvedPrompt {
  readonly template: PromptTemplateData;
  readonly slots: ReadonlyMap<PromptSlotName, readonly PromptContributionData[]>;
}

/**
 * Merges `layers`, the lowest first. The last template wins. Within a slot, a layer's reset drops what lower layers
 * contributed; what is gated by tools none of which is in `tools`, and what is blank, is left out; the rest is ordered
 * by priority, then title (none first), then content, and exact duplicates are shown once.
 */
export function resolvePrompt(layers: readonly PromptLayerData[], tools: readonly string[]): ResolvedPrompt {
  const template =
    layers.findLast((layer) => layer.template !== undefined)?.template ?? PromptTemplate.default;
  const available = new Set(tools);
  const slots = new Map(PROMPT_SLOTS.map((slot) => [slot, merge(gather(layers, slot), available)] as const));
  return { template, slots };
}

function gather(layers: readonly PromptLayerData[], slot: PromptSlotName): readonly PromptContributionData[] {
  let gathered: PromptContributionData[] = [];
  for (const layer of layers) {
    const edit = layer.slots[slot];
    if (edit === undefined) continue;
    if (edit.reset) gathered = [];
    for (const contribution of edit.contributions) gathered.push({ ...contribution, slot });
  }
  return gathered;
}

function merge(
  contributions: readonly PromptContributionData[],
  tools: ReadonlySet<string>,
): readonly PromptContributionData[] {
  return contributions
    .filter(
      ({ gate }) =>
        gate === undefined || gate.tools.length === 0 || gate.tools.some((name) => tools.has(name)),
    )
    .map(trim)
    .filter(({ content }) => content !== '')
    .toSorted(compare)
    .filter((item, index, all) => index === 0 || compare(item, all[index - 1] ?? item) !== 0);
}

function trim(contribution: PromptContributionData): PromptContributionData {
  const { title, ...rest } = contribution;
  const trimmed = title?.trim() ?? '';
  return { ...rest, content: rest.content.trim(), ...(trimmed === '' ? {} : { title: trimmed }) };
}

function compare(a: PromptContributionData, b: PromptContributionData): number {
  return (
    (a.priority ?? 0) - (b.priority ?? 0) ||
    compareText(a.title ?? '', b.title ?? '') ||
    compareText(a.content, b.content)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
