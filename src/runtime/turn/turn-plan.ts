import { sha256Of } from '../../contract/digest.ts';
import { LashError } from '../../core/error.ts';
import type { PathWindow } from '../../core/event.ts';
import { canonicalJson, type JsonValue } from '../../core/json.ts';
import type { UserPart } from '../../core/message.ts';
import type { NodeDraft } from '../../core/node.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { TurnInput, TurnRequest } from '../../core/turn-input.ts';
import { newTurn } from '../../turn/boundary.ts';
import type { TurnConfig, TurnState } from '../../turn/state.ts';
import type { SessionParts, TurnScope } from '../model/model-caller.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import { messageDraft, type TurnAsk } from './queued-input.ts';

/** What a turn is asked to do, checked and copied. @throws `InvalidInput`, `NotData` */
export function checkAsk(
  input: TurnInput,
  { from, prompt, answer, tools, whenRunning }: TurnRequest,
): TurnAsk {
  const ask = {
    ...(from === undefined ? {} : { from }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(answer === undefined ? {} : { answer }),
    ...(tools === undefined ? {} : { tools }),
    ...(whenRunning === 'inject' ? { inject: true } : {}),
  };
  if (input === null) {
    if (whenRunning === 'inject') throw invalid('input', 'is null, and there is nothing to read');
    return { parts: null, ...structuredClone(ask) };
  }
  const parts: readonly UserPart[] =
    typeof input === 'string' ? [{ type: 'text', text: input }] : input.parts;
  refuseNonData(parts, 'input.parts');
  refuseNonData(ask, 'options');
  const kept = structuredClone(parts).filter((part) => part.type !== 'text' || part.text !== '');
  if (kept.length === 0) throw invalid('input', 'has no content');
  return { parts: kept, ...structuredClone(ask) };
}

/** Tells equal requests from others (law TU1): when and how it waits for its turn is no part of what is asked. */
export async function hashOf({ parts, from, prompt, answer, tools }: TurnAsk): Promise<string> {
  const asked = { parts, from, prompt, answer, tools } as unknown as JsonValue;
  return await sha256Of(new TextEncoder().encode(canonicalJson(asked)));
}

/** Refuses images whose bytes are not stored: no model call could be made with them. @throws `AttachmentNotFound` */
export async function checkImages({ parts }: TurnAsk, store: SessionAttachmentStore): Promise<void> {
  for (const part of parts ?? []) {
    if (part.type === 'image') await store.get(part.attachment.id);
  }
}

/** What a turn begins with. Without an input it may have to move the leaf first. */
export interface TurnPlan {
  readonly scope: TurnScope;
  readonly state: TurnState;
  readonly input: NodeDraft | null;
  readonly target: 'stay' | 'branch';
}

/** @throws `NodeNotFound` (`from`), `InvalidInput` where there is nothing to answer */
export async function planTurn(
  { environment, history, clock }: Pick<SessionParts, 'environment' | 'history' | 'clock'>,
  policy: SessionPolicy,
  turnId: string,
  ask: TurnAsk,
): Promise<TurnPlan> {
  const { parts, prompt, answer, tools } = ask;
  const from = ask.from === undefined ? history.head.leaf : ask.from;
  const asked = await countQuestions(history.pages(from));
  if (parts === null && asked === 0) throw nothingToAnswer();
  const turnIndex = parts === null ? asked : asked + 1;
  const { limits, termination } = environment;
  const config: TurnConfig = {
    turnId,
    maxSteps: policy.maxSteps ?? limits.maxSteps,
    ...(policy.maxTokens === undefined ? {} : { maxTokens: policy.maxTokens }),
    retries: limits.retries,
    treatMissingDoneAsFailure: termination.treatMissingDoneAsFailure,
  };
  return {
    scope: { turnId, turnIndex, policy, prompt, answer: answer?.schema, tools },
    state: newTurn(config, from),
    input: parts === null ? null : numbered(messageDraft(parts, turnId, clock.now()), turnIndex),
    target: parts !== null || (await history.isActive(from)) ? 'stay' : 'branch',
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
