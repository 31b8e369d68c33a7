import {
  isLashError,
  type EndedTurn,
  type LashErrorData,
  type LiveTurn,
  type Message,
  type PendingTurn,
  type SessionClient,
  type SessionView,
  type TurnInput,
  type TurnRequest,
} from 'lash-web';

import { announcementOf } from './announcement.ts';
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

/**
 * An open session: what is shown of it, and what is being written to it. All that is shown comes from the session's view,
 * so that it is the same in every tab, and after a reload.
 */
export class Chat {
  readonly session: SessionClient;
  readonly draft: Draft;
  readonly urls: AttachmentUrls;
  /** What a screen reader is told: that an answer began, the answer once it is whole, and what became of messages that wait. */
  announcement = '';
  /** What the other tab answered when this one asked to write. */
  refused: LashErrorData['SessionHeldElsewhere'] | null = null;
  /** The turn that is being asked for, until its input is stored. */
  #asked: string | null = null;
  #seen: SessionView;
  #shown: { readonly view: SessionView; readonly transcript: Transcript } | undefined;
  readonly #changed: (ended: EndedTurn | null) => void;
  readonly #unsubscribe: () => void;

  /** `changed` hears of every change, and of a turn that ended by it. */
  constructor(session: SessionClient, draft: Draft, changed: (ended: EndedTurn | null) => void) {
    this.session = session;
    this.draft = draft;
    this.urls = new AttachmentUrls(session);
    this.#changed = changed;
    this.#seen = session.getSnapshot();
    this.#unsubscribe = session.subscribe(() => this.#look());
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

  /** What the runtime warned of in the running turn, or else the last one. */
  get warnings(): readonly string[] {
    const { turn, lastTurn } = this.view;
    return (turn ?? lastTurn)?.warnings ?? [];
  }

  /** Whether a message is on its way into the store. */
  get sending(): boolean {
    return this.#asked !== null;
  }

  /** Whether there is a turn to stop. */
  get stoppable(): boolean {
    return this.sending || this.view.turn !== null;
  }

  /** Whether a turn runs, or something else keeps history from being changed. */
  get busy(): boolean {
    return this.stoppable || this.readOnly;
  }

  /** Whether something is still to be answered, or to be stored. */
  get unfinished(): boolean {
    return this.stoppable || this.view.queue.length > 0 || this.draft.storing > 0;
  }

  /** Whether nothing was written to it yet. */
  get unused(): boolean {
    return this.view.head.nodeCount === 0 && !this.unfinished;
  }

  /** Whether it is damaged, and so shown without being changed. */
  get readOnly(): boolean {
    return this.view.damage !== null;
  }

  /**
   * Whether another tab is in the middle of an answer. It keeps the right to write for some seconds after that, and while
   * a turn waits for somebody, but gives it to whoever asks then.
   */
  get runsElsewhere(): boolean {
    const { writer, turn } = this.view;
    return writer === 'elsewhere' && turn !== null && goesOn(turn);
  }

  /** Whether what stands in the composer can be sent. A message that is edited waits until history can be changed. */
  get canSend(): boolean {
    return !this.sending && !this.readOnly && (this.draft.editing === null || !this.busy);
  }

  /**
   * Sends what stands in the composer; it stays there until it is stored. While a turn runs, it is the next one, or is read
   * by the one that runs (`inject`).
   */
  async send(whenRunning: 'queue' | 'inject'): Promise<void> {
    const { draft } = this;
    if (!draft.sendable || !this.canSend) return;
    const { editing, text, attachments } = draft;
    await this.#ask({ parts: draft.parts() }, editing === null ? { whenRunning } : { from: editing.from });
    draft.takeOut(text, attachments);
    this.#changed(null);
  }

  /** A new answer to the last question, beside the one that is there. */
  async regenerate(): Promise<void> {
    const { canRegenerate, lastQuestion } = this.transcript;
    if (canRegenerate) await this.#ask(null, { from: lastQuestion });
  }

  /** Lets the model go on where the path ends. */
  async continue(): Promise<void> {
    if (this.transcript.canContinue) await this.#ask(null, {});
  }

  /** Stops the turn that runs or waits, in whichever tab. */
  async stop(): Promise<void> {
    const turnId = this.view.turn?.turnId ?? this.#asked;
    if (turnId !== null) await this.session.cancelTurn(turnId, 'stopped by the reader');
  }

  /** Takes a message that waits back into the composer; if something stands there, it is dropped. */
  async takeBack({ turnId, input }: PendingTurn): Promise<void> {
    await this.session.queue.cancel(turnId);
    if (this.draft.empty && typeof input === 'object' && input !== null) this.draft.fill(input.parts);
    this.#changed(null);
  }

  /** Takes an earlier message into the composer; sending it makes a sibling. @throws `AttachmentNotFound` */
  async edit({ node, message }: ShownMessage): Promise<void> {
    if (this.busy) return;
    const whole = await this.whole(message);
    if (this.busy) return;
    this.draft.edit(whole, node.id, node.parentId);
    this.#changed(null);
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
    this.#changed(null);
  }

  async showBranch(tip: string): Promise<void> {
    await this.#asking(() => this.session.branchToNode(tip));
  }

  /**
   * Makes this tab the one that writes; with `force`, also if another one is in the middle of an answer. That one's
   * refusal is no error: see {@link refused}.
   */
  async takeOver(force: boolean): Promise<void> {
    try {
      await this.#asking(() => this.session.takeOver({ force }));
    } catch (error) {
      if (!isLashError(error, 'SessionHeldElsewhere')) throw error;
      this.#changed(null);
    }
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
    this.#changed(null);
    try {
      const kind = await kindOf(file);
      if (kind === 'other') throw new NotAttachable(file.name);
      const blob = kind === 'text' ? asText(file) : file;
      this.draft.add(await this.session.attachments.put(blob, { name: file.name }));
    } finally {
      this.draft.storing--;
      this.#changed(null);
    }
  }

  /** Ends this handle. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await this.urls.release();
    await this.session.close();
  }

  #look(): void {
    const before = this.#seen;
    const { view } = this;
    this.#seen = view;
    this.announcement = announcementOf(before, view) ?? this.announcement;
    const isNews = view.lastTurn !== null && view.lastTurn.turnId !== before.lastTurn?.turnId;
    // It was refused because of the turn that is over.
    if (isNews) this.refused = null;
    this.#changed(isNews ? view.lastTurn : null);
  }

  /** Asks for a turn, and resolves once its input is stored: what becomes of it, the view shows. */
  async #ask(input: TurnInput, request: TurnRequest): Promise<void> {
    const inputId = crypto.randomUUID();
    this.#asked = inputId;
    this.#changed(null);
    try {
      await this.#asking(async () => {
        if (input !== null && this.view.title === NEW_TITLE)
          await this.session.rename(this.#titleFromDraft());
        await this.session.showNewest();
        await this.session.turn(input, { ...request, inputId }).accepted;
      });
    } finally {
      this.#asked = null;
      this.#changed(null);
    }
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

  #titleFromDraft(): string {
    const { text, attachments } = this.draft;
    return oneLine(text, TITLE_LENGTH) || attachments[0]?.name || NEW_TITLE;
  }
}

/** Whether a turn does something, be it beside what it waits for. What waits for storage is in its tab's memory only. */
function goesOn({ waits, toolCalls }: LiveTurn): boolean {
  if (waits.length === 0 || waits.some(({ kind }) => kind === 'storage')) return true;
  const waiting = waits.map((wait) => ('callId' in wait ? wait.callId : ''));
  return toolCalls.some(({ callId, outcome }) => outcome === undefined && !waiting.includes(callId));
}
