import type { NodeDraft } from '../../core/node.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { TurnInput, TurnRequest } from '../../core/turn-input.ts';
import { ModelCaller, type SessionParts } from '../model/model-caller.ts';
import { checkImages, inputDraft, planTurn } from './turn-plan.ts';
import { TurnRun } from './turn-run.ts';

/** Makes the turns of one session. It is loaded with the first one: whoever only reads or follows does without. */
export class TurnEngine {
  readonly #parts: SessionParts;
  readonly #caller: ModelCaller;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#caller = new ModelCaller(parts);
  }

  /** The user's message as a node; `null`: the model is to answer what is there. @throws `InvalidInput`, `NotData` */
  draft(turnId: string, input: TurnInput): NodeDraft | null {
    return inputDraft(input, turnId, this.#parts.clock);
  }

  /** Refuses images whose bytes are not stored. @throws `AttachmentNotFound` */
  async check(draft: NodeDraft | null): Promise<void> {
    await checkImages(draft, this.#parts.environment.attachmentStore);
  }

  /** A turn that is ready to start. @throws `NodeNotFound` (`from`), `InvalidInput` */
  async prepare(
    turnId: string,
    draft: NodeDraft | null,
    policy: SessionPolicy,
    request: TurnRequest,
  ): Promise<TurnRun> {
    const plan = await planTurn(this.#parts, policy, turnId, draft, request);
    return new TurnRun(plan, this.#parts, this.#caller);
  }
}
