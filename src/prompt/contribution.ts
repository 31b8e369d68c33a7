import type { PromptContributionData, PromptSlotName } from '../core/prompt-layer.ts';

/** A piece of prompt for one slot. */
export type PromptContribution = PromptContributionData;

/** What a contribution may have besides its slot and content. `tools` shows it only where one of them can be called. */
export interface PromptContributionOptions {
  readonly title?: string;
  /** Lower comes first; default 0. */
  readonly priority?: number;
  readonly tools?: readonly string[];
}

/** Makes a contribution to the slot that the helper is named after. */
export type PromptContributionHelper = (
  content: string,
  options?: PromptContributionOptions,
) => PromptContribution;

/** Makes contributions. A blank title is no title; an empty list of tools is no condition. */
export const PromptContribution: {
  /** A contribution to any slot. */
  readonly create: (
    slot: PromptSlotName,
    content: string,
    options?: PromptContributionOptions,
  ) => PromptContribution;
  readonly intro: PromptContributionHelper;
  readonly execution: PromptContributionHelper;
  readonly guidance: PromptContributionHelper;
  /** Titled "Project Instructions" unless the options name another title. */
  readonly projectInstructions: PromptContributionHelper;
  /** Titled "Runtime Context" unless the options name another title. */
  readonly runtimeContext: PromptContributionHelper;
  readonly environment: PromptContributionHelper;
} = Object.freeze({
  create,
  intro: helper('intro'),
  execution: helper('execution'),
  guidance: helper('guidance'),
  projectInstructions: helper('project_instructions', 'Project Instructions'),
  runtimeContext: helper('runtime_context', 'Runtime Context'),
  environment: helper('environment'),
});

function helper(slot: PromptSlotName, title?: string): PromptContributionHelper {
  return (content, options = {}) =>
    create(slot, content, title === undefined ? options : { title, ...options });
}

function create(
  slot: PromptSlotName,
  content: string,
  options: PromptContributionOptions = {},
): PromptContribution {
  const title = options.title?.trim() ?? '';
  const tools = options.tools ?? [];
  return {
    slot,
    content,
    ...(title === '' ? {} : { title }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(tools.length === 0 ? {} : { gate: { tools } }),
  };
}
