import type { PromptTemplateData } from '../core/prompt-layer.ts';

/** The order of a system prompt's sections. */
export type PromptTemplate = PromptTemplateData;

const standard: PromptTemplate = Object.freeze({
  sections: Object.freeze([
    {
      entries: [
        { kind: 'builtin', builtin: 'main_agent_intro' },
        { kind: 'slot', slot: 'intro' },
      ],
    },
    {
      title: 'Execution',
      entries: [
        { kind: 'builtin', builtin: 'execution_instructions' },
        { kind: 'slot', slot: 'execution' },
      ],
    },
    {
      title: 'Guidance',
      entries: [
        { kind: 'builtin', builtin: 'core_guidance' },
        { kind: 'slot', slot: 'project_instructions' },
        { kind: 'slot', slot: 'guidance' },
      ],
    },
    {
      title: 'Environment',
      entries: [
        { kind: 'slot', slot: 'runtime_context' },
        { kind: 'slot', slot: 'environment' },
      ],
    },
  ] as const),
});

/** Templates that the package brings along; `default` is used where no layer names another one. */
export const PromptTemplate: { readonly default: PromptTemplate } = Object.freeze({ default: standard });
