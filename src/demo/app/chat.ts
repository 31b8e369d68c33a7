import {
  isLashError,
  messageText,
  type ClientTurn,
  type LashErrorData,
  type Message,
  type SessionClient,
  type SessionView,
  type TurnInput,
  type TurnRequest,
  type TurnResult,
} from 'lash-web';

import { asText, kindOf } from './attachment-kind.ts';
import { AttachmentUrls } from './attachment-urls.ts';
import type { Draft } from './draft.ts';
import { oneLine } from './format.ts';
import { NotAttachable } from './not-attachable.ts';
import { transcriptOf, type ShownMessage, type Transcript } from './transcript.ts';

/** The title of a chat until its first message gives it a better one. */
export const NEW_TITLE = 'New chat';

const TITLE_LENGTH = 60;
const OLDER_NODES = 100;

/** An open session: what is shown of it, what is being written to it, and the turn that runs in it. */
export class Chat {
  readonly session: SessionClient;
  readonly draft: Draft;
  readonly urls: AttachmentUrls;
  /** The tokens that the running turn, or else the last one, has used. */
  turnTokens = 0;
  /** What a screen reader is told: that an answer began, and the answer once it is whole. */
  announcement = '';
  /** What the runtime warned of in the running turn, or else the last one. */
  warnings: readonly string[] = [];
  /** What the other tab answered when this one asked to write. */
  refused: LashErrorData['SessionHeldElsewhere'] | null = null;
  #starting = false;
  #turn: ClientTurn | null = null;
  #shown: { readonly view: SessionView; readonly transcript: Transcript } | undefined;
  readonly #changed: () => void;
  readonly #unsubscribe: () => void;

  constructor(session: SessionClient, draft: Draft, changed: () => void) {
    this.session = session;
    this.draft = draft;
    this.urls = new AttachmentUrls(session);
    this.#changed = changed;
    this.#unsubscribe = session.subscribe(changed);
  }

  get id(): string {
    return this.session.sessionId;
  }

  get view(): SessionView {
    return this.session.getSnapshot();
  }

  get transcript(): Transcript {
    const { view } = this;
    if (this.#shown?.view !== view) this.#shown = { view, transcript: transcriptOf(view) };
    return this.#shown.transcript;
  }

  /** Whether a turn of this tab runs. */
  get running(): boolean {
    return this.#starting || this.#turn !== null;
  }

  /** Whether there is a turn to stop: one of this tab, or one that waits or that this tab has taken up. */
  get stoppable(): boolean {
    const { turn, writer } = this.view;
    return this.running || (turn !== null && writer !== 'elsewhere' && writer !== 'blocked');
  }

  /** Whether a turn runs, here or in another tab, or something else keeps history from being changed. */
  get busy(): boolean {
    return this.running || this.view.turn !== null || this.readOnly;
  }

  /** Whether nothing was written to it yet. */
  get unused(): boolean {
    return this.view.head.nodeCount === 0 && !this.busy;
  }

  /** Whether it is damaged, and so shown without being changed. */
  get readOnly(): boolean {
    return this.view.damage !== null;
  }

  /** Sends what stands in the composer; it stays there until it is stored. Resolves when the turn has ended. */
  send(): Promise<TurnResult | null> {
    const { draft } = this;
    if (!draft.sendable || this.stoppable || this.readOnly) return Promise.resolve(null);
    const { editing, text, attachments } = draft;
    const request = editing === null ? {} : { from: editing.from };
    return this.#run({ parts: draft.parts() }, request, () => draft.takeOut(text, attachments));
  }

  /** A new answer to the last question, beside the one that is there. */
  async regenerate(): Promise<TurnResult | null> {
    const { canRegenerate, lastQuestion } = this.transcript;
    return canRegenerate ? this.#run(null, { from: lastQuestion }) : null;
  }

  /** Lets the model go on where the path ends. */
  async continue(): Promise<TurnResult | null> {
    return this.transcript.canContinue ? this.#run(null, {}) : null;
  }

  async stop(): Promise<void> {
    const turnId = this.#turn?.turnId ?? this.view.turn?.turnId;
    if (turnId !== undefined) await this.session.cancelTurn(turnId, 'stopped by the reader');
  }

  /** Takes an earlier message into the composer; sending it makes a sibling. @throws `AttachmentNotFound` */
  async edit({ node, message }: ShownMessage): Promise<void> {
    if (this.busy) return;
    const whole = await this.whole(message);
    if (this.busy) return;
    this.draft.edit(whole, node.id, node.parentId);
    this.#changed();
  }

  /** `message` with all of its text, also what was too long for it and lies in attachments. @throws `AttachmentNotFound` */
  async whole(message: Message): Promise<Message> {
    const parts = message.parts.map(async (part) => {
      if (part.type !== 'text' || part.overflow === undefined) return part;
      return { type: part.type, text: await this.urls.text(part.overflow.id) };
    });
    return { ...message, parts: await Promise.all(parts) };
  }

  cancelEdit(): void {
    this.draft.cancelEdit();
    this.#changed();
  }

  async showBranch(tip: string): Promise<void> {
    await this.#asking(() => this.session.branchToNode(tip));
  }

  /** Makes this tab the one that writes; with `force`, also if another one is in the middle of an answer. */
  async takeOver(force: boolean): Promise<void> {
    await this.#asking(() => this.session.takeOver({ force }));
  }

  /** Shows more of the beginning, and resolves with whether there is older still. */
  showOlder(): Promise<boolean> {
    return this.session.showOlder(OLDER_NODES);
  }

  /** Shows the end again, where older messages have pushed it out. */
  showNewest(): Promise<void> {
    return this.session.showNewest();
  }

  /** Stores a file and puts it into the composer. @throws `AttachmentTooLarge`, or that it can be neither seen nor read. */
  async attach(file: File): Promise<void> {
    this.draft.storing++;
    this.#changed();
    try {
      const kind = await kindOf(file);
      if (kind === 'other') throw new NotAttachable(file.name);
      const blob = kind === 'text' ? asText(file) : file;
      this.draft.add(await this.session.attachments.put(blob, { name: file.name }));
    } finally {
      this.draft.storing--;
      this.#changed();
    }
  }

  /** Ends this handle. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await this.urls.release();
    await this.session.close();
  }

  async #run(input: TurnInput, request: TurnRequest, accepted?: () => void): Promise<TurnResult> {
    this.#starting = true;
    this.turnTokens = 0;
    this.warnings = [];
    this.announcement = 'The model is answering.';
    this.#changed();
    try {
      return await this.#asking(() => this.#runTurn(input, request, accepted));
    } finally {
      this.#starting = false;
      this.#turn = null;
      this.#changed();
    }
  }

  async #runTurn(input: TurnInput, request: TurnRequest, accepted?: () => void): Promise<TurnResult> {
    if (input !== null && this.view.title === NEW_TITLE) await this.session.rename(this.#titleFromDraft());
    await this.session.showNewest();
    this.#turn = this.session.turn(input, request);
    const settled = this.#turn.accepted.then(() => accepted?.());
    const [result] = await Promise.all([this.#follow(this.#turn), settled]);
    this.announcement =
      result.status === 'completed' ? this.#lastAnswer() : `The answer was ${result.status}.`;
    return result;
  }

  /** Runs what needs the right to write, and remembers who refused it. */
  async #asking<T>(work: () => Promise<T>): Promise<T> {
    this.refused = null;
    try {
      return await work();
    } catch (error) {
      if (isLashError(error, 'SessionHeldElsewhere')) this.refused = error.data;
      throw error;
    }
  }

  async #follow(turn: ClientTurn): Promise<TurnResult> {
    for await (const activity of turn) {
      if (activity.type === 'usage-counted')
        this.turnTokens += activity.usage.inputTokens + activity.usage.outputTokens;
      else if (activity.type === 'warning') this.warnings = [...this.warnings, activity.message];
      else continue;
      this.#changed();
    }
    return turn.result;
  }

  #lastAnswer(): string {
    const last = this.transcript.messages.at(-1);
    return last === undefined ? '' : oneLine(messageText(last.message), 1000);
  }

  #titleFromDraft(): string {
    const { text, attachments } = this.draft;
    return oneLine(text, TITLE_LENGTH) || attachments[0]?.name || NEW_TITLE;
  }
}
