import type { AttachmentStore } from '../contract/attachments.ts';
import type { Clock } from '../contract/clock.ts';
import { LashError } from '../core/error.ts';
import { checkId } from '../core/id.ts';
import { findNonJson, utf8Length } from '../core/json.ts';
import type { UserPart } from '../core/message.ts';
import { messageOf, type NodeDraft } from '../core/node.ts';
import type { SessionPath } from '../core/path.ts';
import type { TurnInput, TurnRequest } from '../core/turn-input.ts';

/** Room that commit numbers take in an operation id behind the turn's. */
const MAX_TURN_ID_BYTES = 100;

/** The id of a turn. @throws `InvalidInput` */
export function turnIdOf(request: TurnRequest, clock: Clock): string {
  const id = checkId(request.inputId ?? clock.newId(), 'inputId');
  if (utf8Length(id) > MAX_TURN_ID_BYTES) {
    throw invalid('inputId', `must be at most ${MAX_TURN_ID_BYTES} bytes of UTF-8`);
  }
  if (request.whenRunning !== undefined && request.whenRunning !== 'reject') {
    const feature = `whenRunning: ${request.whenRunning}`;
    throw new LashError('Unsupported', `${feature} has no engine yet; wait for the running turn`, {
      feature,
    });
  }
  return id;
}

/** The user's message as a node, or `null` where the model is to answer what is there. @throws `InvalidInput`, `NotData` */
export function inputDraft(input: TurnInput, turnId: string, clock: Clock): NodeDraft | null {
  if (input === null) return null;
  const parts: readonly UserPart[] =
    typeof input === 'string' ? [{ type: 'text', text: input }] : input.parts;
  const path = findNonJson(parts, 'input.parts');
  if (path !== undefined)
    throw new LashError('NotData', `The input holds something that is not data at ${path}`, { path });
  const kept = structuredClone(parts).filter((part) => part.type !== 'text' || part.text !== '');
  if (kept.length === 0) throw invalid('input', 'has no content');
  const message = { role: 'user', parts: kept } as const;
  return { createdAt: clock.now(), body: { kind: 'conversation', message, turnId } };
}

/** Refuses images whose bytes are not stored: no model call could be made with them. @throws `AttachmentNotFound` */
export async function checkImages(draft: NodeDraft | null, store: AttachmentStore): Promise<void> {
  if (draft?.body.kind !== 'conversation') return;
  for (const part of draft.body.message.parts) {
    if (part.type === 'image') await store.get(part.attachment.id);
  }
}

/** How many messages of the user a path holds: the number of the next one, from 0. */
export function countQuestions(path: SessionPath): number {
  let count = 0;
  for (const node of path.nodes) if (messageOf(node, 'user') !== undefined) count++;
  return count;
}

/** A turn without input where the model has nothing to answer. */
export function nothingToAnswer(): LashError<'InvalidInput'> {
  return invalid('input', 'is null, and there is no message to answer');
}

function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
