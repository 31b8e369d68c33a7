import * as z from 'zod/mini';

import type { ModelEvent } from '../../core/model-event.ts';
import { jsonObject, natural, type Schema, schemaFor } from './basic.ts';

const text = z.string();
const replay = z.optional(jsonObject);

const usage = z.object({
  inputTokens: natural,
  outputTokens: natural,
  cachedInputTokens: natural,
  reasoningTokens: natural,
});

/** Events of a model's stream. What a provider says besides is left out. */
export const modelEvents: Schema<readonly ModelEvent[]> = schemaFor(
  z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal(['text-delta', 'reasoning-delta']), text }),
      z.object({ type: z.literal('text-end'), replay: jsonObject }),
      z.object({ type: z.literal('reasoning-end'), replay }),
      z.object({ type: z.literal('tool-call'), callId: text, tool: text, args: text, replay }),
      z.object({
        type: z.literal('finish'),
        reason: z.enum(['stop', 'tool-calls', 'length', 'content-filter', 'other']),
        usage,
      }),
    ]),
  ),
);
