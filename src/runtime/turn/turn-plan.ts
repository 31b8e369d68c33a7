import type { Clock } from '../../contract/clock.ts';
import { LashError } from '../../core/error.ts';
import type { PathWindow } from '../../core/event.ts';
import type { UserPart } from '../../core/message.ts';
import type { NodeDraft } from '../../core/node.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { TurnInput, TurnRequest } from '../../core/turn-input.ts';
import type { TurnConfig } from '../../turn/state.ts';
import type { SessionParts, TurnScope } from '../model/model-caller.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';

/** The user's message as a node, or `null` where the model is to answer what is there. @throws `InvalidInput`, `NotData` */
export function inputDraft(input: TurnInput, turnId: string, clock: Clock): NodeDraft | null {
  if (input === null) return null;
  const parts: readonly UserPart[] =
    typeof input === 'string' ? [{ type: 'text', text: input }] : input.parts;
  refuseNonData(parts, 'input.parts');
  const kept = structuredClone(parts).filter((part) => part.type !== 'text' || part.text !== '');
  if (kept.length === 0) throw invalid('input', 'has no content');
  const message = { role: 'user', parts: kept } as const;
  return { createdAt: clock.now(), body: { kind: 'conversation', message, turnId } };
}

/** Refuses images whose bytes are not stored: no model call could be made with them. @throws `AttachmentNotFound` */
export async function checkImages(draft: NodeDraft | null, store: SessionAttachmentStore): Promise<void> {
  if (draft?.body.kind !== 'conversation') return;
  for (const part of draft.body.message.parts) {
    if (part.type === 'image') await store.get(part.attachment.id);
  }
}

/** What a turn is started with, once its input was checked. */
export interface TurnPlan extends TurnScope {
  readonly config: TurnConfig;
  readonly from: string | null;
  readonly input: NodeDraft | null;
}

/**
 * What a turn is to do. Where it goes on from a node off the path without an input, it branches there first.
 *
 * @throws `NodeNotFound` (`from`), `InvalidInput` where there is nothing to answer
 */
export async function planTurn(
  { environment, history }: Pick<SessionParts, 'environment' | 'history'>,
  policy: SessionPolicy,
  turnId: string,
  draft: NodeDraft | null,
  options: TurnRequest,
): Promise<TurnPlan> {
  const from = options.from === undefined ? history.head.leaf : options.from;
  const asked = await countQuestions(history.pages(from));
  if (draft === null) {
    if (asked === 0) throw nothingToAnswer();
    if (!(await history.isActive(from))) await history.branch(`${turnId}/from`, from);
  }
  const turnIndex = draft === null ? asked : asked + 1;
  const { limits, termination } = environment;
  return {
    turnId,
    turnIndex,
    policy,
    prompt: options.prompt,
    from,
    input: draft === null ? null : numbered(draft, turnIndex),
    config: {
      turnId,
      maxSteps: policy.maxSteps ?? limits.maxSteps,
      retries: limits.retries,
      treatMissingDoneAsFailure: termination.treatMissingDoneAsFailure,
    },
  };
}

/**
 * How many messages of the user a path holds, whose pages come newest first. The newest one that a turn added tells how
 * many there were, so that the rest is not read.
 */
async function countQuestions(pages: AsyncIterable<PathWindow>): Promise<number> {
  let count = 0;
  for await (const { nodes } of pages) {
    for (const { body } of nodes.toReversed()) {
      if (body.kind !== 'conversation' || body.message.role !== 'user') continue;
      if (body.turnIndex !== undefined) return body.turnIndex + count;
      count++;
    }
  }
  return count;
}

/** A turn's input with its number among the messages of the user. */
function numbered(draft: NodeDraft, turnIndex: number): NodeDraft {
  return draft.body.kind === 'conversation' ? { ...draft, body: { ...draft.body, turnIndex } } : draft;
}

/** A turn without input where the model has nothing to answer. */
function nothingToAnswer(): LashError<'InvalidInput'> {
  return invalid('input', 'is null, and there is no message to answer');
}

function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
