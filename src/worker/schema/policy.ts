import * as z from 'zod/mini';

import type { SessionPolicy } from '../../core/policy.ts';
import { PROMPT_SLOTS, type PromptLayerData } from '../../core/prompt-layer.ts';
import { count, filled, jsonObject, type Schema, schemaFor } from './basic.ts';

const slot = z.enum(PROMPT_SLOTS);

const contribution = z.strictObject({
  slot,
  title: z.optional(z.string()),
  priority: z.optional(z.number()),
  gate: z.optional(z.strictObject({ tools: z.array(filled) })),
  content: z.string(),
});

const templateEntry = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), content: z.string() }),
  z.strictObject({
    kind: z.literal('builtin'),
    builtin: z.enum(['main_agent_intro', 'execution_instructions', 'core_guidance']),
  }),
  z.strictObject({ kind: z.literal('slot'), slot }),
]);

const templateSection = z.strictObject({
  title: z.optional(z.string()),
  entries: z.array(templateEntry),
});

const slotEdit = z.optional(z.strictObject({ reset: z.boolean(), contributions: z.array(contribution) }));

const layer = z.strictObject({
  template: z.optional(z.strictObject({ sections: z.array(templateSection) })),
  slots: z.strictObject(Object.fromEntries(PROMPT_SLOTS.map((name) => [name, slotEdit]))),
});

const provider = z.strictObject({
  id: filled,
  model: filled,
  options: z.optional(jsonObject),
  credentials: z.optional(filled),
});

const optional = {
  maxContextTokens: z.optional(count),
  maxSteps: z.optional(count),
  maxTokens: z.optional(count),
  maxTurnMs: z.optional(count),
  whenOffline: z.optional(z.enum(['fail', 'wait'])),
  prompt: z.optional(layer),
  tools: z.optional(z.array(filled)),
};

/** A layer of the prompt. */
export const promptLayer: Schema<PromptLayerData> = schemaFor(layer);

/** A session's policy. */
export const policy: Schema<SessionPolicy> = schemaFor(z.strictObject({ provider, ...optional }));

/** Some fields of a session's policy. */
export const policyPatch: Schema<Partial<SessionPolicy>> = schemaFor(
  z.strictObject({ provider: z.optional(provider), ...optional }),
);
