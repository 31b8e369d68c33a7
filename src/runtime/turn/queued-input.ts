import type { StoredTurn } from '../../contract/turn-store.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Part, UserPart } from '../../core/message.ts';
import type { NodeDraft } from '../../core/node.ts';
import type { PromptLayerData } from '../../core/prompt-layer.ts';

/** What a turn is asked to do, as it is stored while it is queued. */
export interface TurnAsk {
  /** `null`: the model is to answer what is there. */
  readonly parts: readonly UserPart[] | null;
  readonly from?: string | null;
  readonly prompt?: PromptLayerData;
  readonly answer?: { readonly schema: JsonObject };
  readonly tools?: readonly string[];
  /** Whether the running turn is to read it. */
  readonly inject?: boolean;
  /** Once it is queued: which turn that is. Where that one ends first, it begins a turn of its own (law TU10). */
  readonly into?: string;
}

/** What a queued turn is asked to do. */
export function askOf({ request }: StoredTurn): TurnAsk {
  return request as unknown as TurnAsk;
}

/** A user's message as a node. */
export function messageDraft(parts: readonly UserPart[], turnId: string, createdAt: number): NodeDraft {
  return { createdAt, body: { kind: 'conversation', message: { role: 'user', parts }, turnId } };
}

/** What a message that begins a turn holds. */
export function partsOf({ body }: NodeDraft): readonly Part[] {
  return body.kind === 'conversation' ? body.message.parts : [];
}
