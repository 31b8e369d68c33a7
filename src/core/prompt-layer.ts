/**
 * The named places of a prompt template, in the order in which contributions are merged. They are lash's own; the
 * `cli_*` ones are not in the default template, so that contributions to them show only where a template has them.
 */
export const PROMPT_SLOTS = [
  'intro',
  'execution',
  'cli_autonomous_intro',
  'cli_autonomous_execution',
  'cli_rlm_execution',
  'guidance',
  'project_instructions',
  'runtime_context',
  'environment',
] as const;

/** A named place in a prompt template. */
export type PromptSlotName = (typeof PROMPT_SLOTS)[number];

/** Text that the runtime brings along. */
export type PromptBuiltin = 'main_agent_intro' | 'execution_instructions' | 'core_guidance';

/** One line of a template's section. */
export type PromptTemplateEntry =
  | { readonly kind: 'text'; readonly content: string }
  | { readonly kind: 'builtin'; readonly builtin: PromptBuiltin }
  | { readonly kind: 'slot'; readonly slot: PromptSlotName };

/** A part of a template; it is left out, title and all, when none of its entries gives text. */
export interface PromptTemplateSection {
  readonly title?: string;
  readonly entries: readonly PromptTemplateEntry[];
}

/** The order of a system prompt's sections, as plain data. */
export interface PromptTemplateData {
  readonly sections: readonly PromptTemplateSection[];
}

/** Shows a contribution only where at least one of these tools can be called. */
export interface PromptGate {
  readonly tools: readonly string[];
}

/** A piece of prompt for one slot. Lower `priority` comes first; default 0. */
export interface PromptContributionData {
  readonly slot: PromptSlotName;
  readonly title?: string;
  readonly priority?: number;
  readonly gate?: PromptGate;
  /** The plugin that it is from. */
  readonly source?: string;
  readonly content: string;
}

/** What a layer does to one slot: `reset` drops what lower layers contributed. */
export interface PromptSlotEdit {
  readonly reset: boolean;
  readonly contributions: readonly PromptContributionData[];
}

/** One layer of the prompt (environment, session or turn), as plain data that is stored and sent. */
export interface PromptLayerData {
  readonly template?: PromptTemplateData;
  readonly slots: Readonly<Partial<Record<PromptSlotName, PromptSlotEdit>>>;
}
