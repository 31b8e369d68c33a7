import type { AttachmentRef } from '../../core/attachment.ts';
import { utf8Length } from '../../core/json.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import { MAX_PART_BYTES } from '../history/draft-size.ts';
import type { SessionParts } from '../model/model-caller.ts';

type Keeper = Pick<SessionParts, 'attachments' | 'environment'>;

/**
 * `outcome` as it is recorded, told and committed: what a tool returned besides data is stored, and a value that a model is
 * not to read whole, or that is too long for a node, lies in an attachment (law ST13), unless a plugin put it there already.
 *
 * @throws `AttachmentNotFound`, `AttachmentTooLarge` for a value over what the attachment store takes, `StorageFull`
 */
export async function keptOutcome(outcome: ToolOutcome, keeper: Keeper): Promise<ToolOutcome> {
  if (outcome.status !== 'success') return outcome;
  const { value, attachments, overflow: moved } = outcome;
  if (moved !== undefined) {
    const [overflow] = await storedOnes([moved], keeper);
    const others = attachments === undefined ? {} : { attachments: await storedOnes(attachments, keeper) };
    return { status: 'success', value: null, ...(overflow === undefined ? {} : { overflow }), ...others };
  }
  const json = JSON.stringify(value);
  const most = Math.min(MAX_PART_BYTES, keeper.environment.limits.toolResultBytes);
  const isLong = utf8Length(json) > most;
  if (!isLong && attachments === undefined) return outcome;
  const stored = attachments === undefined ? {} : { attachments: await storedOnes(attachments, keeper) };
  if (!isLong) return { status: 'success', value, ...stored };
  const mime = 'application/json';
  const overflow = await keeper.attachments.put(new TextEncoder().encode(json), { mime });
  return { status: 'success', value: null, overflow, ...stored };
}

/** The references as the store knows them. @throws `AttachmentNotFound` */
async function storedOnes(
  refs: readonly AttachmentRef[],
  { attachments, environment }: Keeper,
): Promise<readonly AttachmentRef[]> {
  const stored: AttachmentRef[] = [];
  for (const { id, name, width, height } of refs) {
    const found = await environment.attachmentStore.find(id);
    // What is not there says so itself.
    if (found === null) await attachments.get(id);
    else
      stored.push({
        ...found,
        ...(name === undefined ? {} : { name }),
        ...(width === undefined ? {} : { width }),
        ...(height === undefined ? {} : { height }),
      });
  }
  return stored;
}
