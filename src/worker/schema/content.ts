import * as z from 'zod/mini';

import type { AttachmentRef } from '../../core/attachment.ts';
import type { TurnInput } from '../../core/turn-input.ts';
import { attachmentId, count, filled, filledList, natural, type Schema, schemaFor } from './basic.ts';

/** A reference to an attachment. */
export const attachment: Schema<AttachmentRef> = schemaFor(
  z.strictObject({
    id: attachmentId,
    mime: filled,
    byteLength: natural,
    name: z.optional(z.string()),
    width: z.optional(count),
    height: z.optional(count),
  }),
);

const text = z.strictObject({ type: z.literal('text'), text: z.string(), overflow: z.optional(attachment) });
const image = z.strictObject({ type: z.literal('image'), attachment });
const file = z.strictObject({ type: z.literal('file'), attachment });

/** What a turn may start from. */
export const turnInput: Schema<TurnInput> = schemaFor(
  z.union([
    z.string(),
    z.strictObject({ parts: filledList(z.discriminatedUnion('type', [text, image, file])) }),
    z.null(),
  ]),
);
