import { isLashError, type EndedTurn, type RuntimeClient } from 'lash-web';

import type { Arrival } from './arrival.ts';
import { type Chat, NEW_TITLE } from './chat.ts';
import { Connection } from './connection.ts';
import type { Draft } from './draft.ts';
import { Drafts } from './drafts.ts';
import { Keys } from './keys.ts';
import { Kit } from './kit.ts';
import { choiceOf, keepChoice, lastChoice, policyOf, type ModelChoice } from './model-choice.ts';
import { Notices } from './notices.ts';
import { Offline } from './offline.ts';
import { OpenChats } from './open-chats.ts';
import { Panels } from './panels.ts';
import { Pins } from './pins.ts';
import { type Place, placeInAddress, sessionInAddress, setAddress } from './place.ts';
import { saveFile } from './save-file.ts';
import { SessionList } from './session-list.ts';
import { Settings } from './settings.ts';
import { StorageFacts } from './storage-facts.ts';
import { Theme } from './theme.ts';
import { TraceFeed } from './trace-feed.ts';
import { Transfers } from './transfers.ts';

/** All that the page shows, and all that a person can do with it. Every change asks for a new frame. */
export class App {
  /** What the main part of the page shows; a chat stays open beside it. */
  place: Place = placeInAddress();
  readonly notices: Notices;
  readonly connection: Connection;
  readonly sessions: SessionList;
  readonly trace: TraceFeed;
  readonly theme: Theme;
  readonly panels: Panels;
  readonly settings: Settings;
  readonly pins: Pins;
  readonly storage: StorageFacts;
  readonly transfers: Transfers;
  readonly kit: Kit;
  readonly offline: Offline;
  /** Asks for a new frame. */
  readonly redraw: () => void;
  readonly #keys = new Keys();
  readonly #drafts = new Drafts(sessionStorage);
  readonly #dismissedWarnings = new Set<string>();
  readonly #chats: OpenChats;
  #arrival: Arrival | null = null;
  #creating: Promise<Chat> | null = null;
  /** The draft that is to be sent as soon as it can be, unless it says something else by then. */
  #wished: { readonly draft: Draft; readonly text: string } | null = null;

  /** `makeWay` lets an error be seen whatever lies over the page. */
  constructor(connect: (theme: Theme) => Promise<RuntimeClient>, changed: () => void, makeWay: () => void) {
    this.redraw = changed;
    this.notices = new Notices(changed, makeWay);
    this.connection = new Connection(() => connect(this.theme), changed, this.notices.show);
    const client = (): RuntimeClient => this.connection.client;
    this.sessions = new SessionList(client, changed);
    this.pins = new Pins(client, changed);
    this.storage = new StorageFacts(client, changed);
    this.transfers = new Transfers(client, changed);
    this.kit = new Kit(changed, this.notices.show);
    this.offline = new Offline(changed);
    this.trace = new TraceFeed(client, changed, this.notices.show);
    this.theme = new Theme(changed);
    this.panels = new Panels(changed);
    this.settings = new Settings(this.#keys, changed);
    this.#chats = new OpenChats({
      changed: (chat, ended) => this.#tell(chat, ended),
      run: this.notices.run,
    });
  }

  /** The chat that is shown: none while another one is on its way. */
  get chat(): Chat | null {
    return this.#arrival === null ? this.#chats.shown : null;
  }

  /** The session that is on its way to be shown. */
  get opening(): string | null {
    return this.#arrival?.sessionId ?? null;
  }

  /** What stands in the composer. It belongs to the chat that is shown, or to the one that is on its way. */
  get draft(): Draft {
    return this.chat?.draft ?? this.#drafts.of(this.opening);
  }

  /** Whether there is somewhere to send to; what is typed before that waits. */
  get ready(): boolean {
    return this.connection.state === 'ready' && this.opening === null;
  }

  /** Whether what stands in the composer is sent as soon as there is somewhere to send to. */
  get wished(): boolean {
    return this.#wished?.draft === this.draft && this.#wished.text === this.draft.text;
  }

  /** The model of the open chat, or the one that a new chat gets. */
  get model(): ModelChoice {
    return this.chat === null ? lastChoice() : choiceOf(this.chat.session.policy);
  }

  /** Keeps what is being written, for when the page is loaded again. */
  keepDrafts(): void {
    this.#drafts.keep();
  }

  /** What the open chat's last turn warned of, without what the person has read already. */
  get warnings(): readonly string[] {
    const all = new Set(this.chat?.warnings);
    return [...all].filter((warning) => !this.#dismissedWarnings.has(warning));
  }

  /** Hides these warnings until the page is loaded again, however often they come. */
  dismissWarnings(): void {
    for (const warning of this.warnings) this.#dismissedWarnings.add(warning);
    this.redraw();
  }

  stop(): Promise<void> {
    return this.chat?.stop() ?? Promise.resolve();
  }

  /** Connects, and shows the session of this id. After the worker was lost: connects anew, and open chats go on. */
  async connect(sessionId: string | null): Promise<void> {
    if (sessionId !== null) await this.open(sessionId);
    await this.connection.connect(async (client) => {
      await this.#keys.giveAll(client);
      await this.sessions.refresh();
    });
    this.notices.dismiss();
    if (this.place === 'storage') this.readStorage();
    if (this.#arrival !== null) await this.#arrive(this.#arrival);
    this.#sendWished();
  }

  /** Shows what the page's address names. */
  async follow(): Promise<void> {
    const place = placeInAddress();
    if (place === 'chat') await this.open(sessionInAddress());
    else this.goTo(place);
  }

  /** Shows another place; the open chat stays as it is. */
  goTo(place: Place): void {
    this.#wished = null;
    this.#await(null);
    this.place = place;
    setAddress(place, this.chat?.id ?? null, 'push');
    if (place === 'storage') this.readStorage();
    else this.storage.rest();
    this.panels.uncover();
    this.redraw();
  }

  /** Reads anew what the storage page shows. */
  readStorage(): void {
    if (this.connection.state !== 'ready') return;
    this.notices.run(this.sessions.refresh().then(() => this.storage.refresh(this.sessions.items)));
  }

  readonly reconnect = (): void => this.notices.run(this.connect(null));

  /** Shows the session of this id, or none. What is being answered in the one before goes on. */
  async open(sessionId: string | null): Promise<void> {
    if (sessionId !== null && sessionId === this.opening) return;
    const { shown } = this.#chats;
    if (sessionId !== null && sessionId === shown?.id) {
      if (this.#arrival !== null) this.#show(shown);
      else if (this.place !== 'chat') this.goTo('chat');
      return;
    }
    this.notices.dismiss();
    const known = this.#chats.get(sessionId ?? '');
    if (sessionId === null || known !== undefined) return this.#show(known ?? null);
    const arrival = this.#expect(sessionId);
    // Whoever connects opens what is expected by then.
    if (this.connection.state === 'ready') await this.#arrive(arrival);
  }

  /** Shows a damaged session up to its last sound message, for reading only. */
  async openSound(sessionId: string): Promise<void> {
    this.notices.dismiss();
    await this.#arrive(this.#expect(sessionId), true);
  }

  /** Makes a session of a file and shows it. */
  async import(file: File): Promise<void> {
    this.notices.dismiss();
    const sessionId = await this.transfers.import(file);
    await this.sessions.refresh();
    await this.open(sessionId);
  }

  /** Makes this tab the one that writes the open chat. */
  async takeOver(force: boolean): Promise<void> {
    this.notices.dismiss();
    await this.chat?.takeOver(force);
  }

  /**
   * Makes a new session and shows it, unless the one that is shown is still new. What was typed while none was open comes
   * along. Asked twice at once, it makes one.
   */
  create(): Promise<Chat> {
    const { chat } = this;
    if (chat?.unused === true) {
      if (this.place !== 'chat') this.goTo('chat');
      return Promise.resolve(chat);
    }
    this.#creating ??= this.#create().finally(() => {
      this.#creating = null;
    });
    return this.#creating;
  }

  async #create(): Promise<Chat> {
    const arrival = this.#expect(null);
    this.notices.dismiss();
    const choice = lastChoice();
    const policy = policyOf(choice, this.#keys.nameFor(choice));
    try {
      const session = await this.connection.client.createSession({ title: NEW_TITLE, policy });
      const chat = this.#chats.add(session, this.#drafts.adopt(session.sessionId));
      if (this.#arrival === arrival) this.#show(chat);
      await this.sessions.refresh();
      return chat;
    } catch (error) {
      if (this.#arrival === arrival) this.#show(this.#chats.shown);
      throw error;
    }
  }

  /** Deletes a session for good, whatever it is doing. */
  async delete(sessionId: string): Promise<void> {
    const chat = this.#chats.get(sessionId);
    if (chat !== undefined) {
      await chat.stop();
      await this.#chats.close(chat);
      if (this.#chats.shown === chat) this.#show(null);
    }
    this.#drafts.forget(sessionId);
    await this.sessions.delete(sessionId);
  }

  /** Sends what stands in the composer, see {@link Chat.send}: now, or as soon as there is somewhere to send to. */
  async send(whenRunning: 'queue' | 'inject'): Promise<void> {
    const { draft } = this;
    if (!draft.sendable) return;
    this.#wished = this.ready ? null : { draft, text: draft.text };
    if (this.#wished !== null) return this.redraw();
    const chat = this.chat ?? (await this.create());
    this.notices.dismiss();
    await chat.send(whenRunning);
  }

  async regenerate(): Promise<void> {
    this.notices.dismiss();
    await this.chat?.regenerate();
  }

  async continue(): Promise<void> {
    this.notices.dismiss();
    await this.chat?.continue();
  }

  async attach(files: readonly File[]): Promise<void> {
    const { draft } = this;
    this.#wished = null;
    // The message is not sent without them.
    draft.storing++;
    try {
      const chat = await this.#chatToAttachTo();
      if (chat !== null) for (const file of files) this.notices.run(chat.attach(file));
    } finally {
      draft.storing--;
      this.redraw();
    }
  }

  async #chatToAttachTo(): Promise<Chat | null> {
    const arriving = this.opening === null ? undefined : this.#arrival?.shown.promise;
    return arriving === undefined ? (this.chat ?? (await this.create())) : arriving;
  }

  #sendWished(): void {
    // Whoever looks elsewhere by then does not wait for it any more.
    if (!this.wished) this.#wished = null;
    else if (this.ready) this.notices.run(this.send('queue'));
  }

  openSettings(): void {
    this.settings.begin(this.model);
    this.notices.run(this.settings.chrome.look());
    this.panels.show('settings', true);
  }

  /** Uses what stands in the settings for the open chat and for new ones. */
  async saveSettings(): Promise<void> {
    const { choice, key } = this.settings;
    const isKeyed = choice.provider === 'openai-compatible' && key !== '';
    const given = isKeyed ? this.#keys.give(this.connection.client, choice, key) : null;
    // Whatever is sent from now on goes to this model.
    keepChoice(choice);
    this.notices.dismiss();
    await Promise.all([given, this.chat?.session.setPolicy(policyOf(choice, this.#keys.nameFor(choice)))]);
    this.redraw();
  }

  /** Saves the trace of the open chat, or of all of them, as a file. */
  async downloadTrace(): Promise<void> {
    const request = this.chat === null ? {} : { sessionId: this.chat.id };
    await saveFile(await this.connection.client.exportTrace(request));
  }

  /** Shows what happened in a chat, whoever made it happen. */
  #tell(chat: Chat, ended: EndedTurn | null): void {
    const { view } = chat;
    this.sessions.note(view);
    if (this.#chats.shown === chat) {
      this.trace.follow(view);
      if (ended?.result.error !== undefined) this.notices.show(ended.result.error);
    }
    if (ended !== null) this.notices.run(this.sessions.refresh());
    this.redraw();
  }

  /** Lets go of what is shown, for what was asked for: what is typed from now on is for that. */
  #expect(sessionId: string | null): Arrival {
    const arrival = { sessionId, shown: Promise.withResolvers<Chat | null>() };
    this.#wished = null;
    this.#await(arrival);
    this.place = 'chat';
    this.storage.rest();
    this.panels.uncover();
    this.redraw();
    return arrival;
  }

  #await(arrival: Arrival | null): void {
    this.#arrival?.shown.resolve(null);
    this.#arrival = arrival;
  }

  async #arrive(arrival: Arrival, sound = false): Promise<void> {
    const { sessionId } = arrival;
    if (sessionId === null) return;
    try {
      const session = await this.connection.client.openSession(
        sessionId,
        sound ? { mode: 'readOnly', damaged: 'showSound' } : {},
      );
      if (this.#arrival === arrival) this.#show(this.#chats.add(session, this.#drafts.of(sessionId)));
      else await session.close();
    } catch (error) {
      if (this.#arrival !== arrival) return;
      // It is still wanted, and opened with the next worker.
      if (isLashError(error, 'WorkerLost')) throw error;
      const gone = isLashError(error, 'SessionNotFound') || isLashError(error, 'SessionDeleted');
      if (gone) this.#drafts.rescue(sessionId);
      // To go back must not lead here again.
      this.#show(null, 'replace');
      if (!isLashError(error, 'StoredDataCorrupt')) throw error;
      this.notices.offer(error, [
        {
          label: 'Open read-only up to the damage',
          testId: 'open-sound',
          accept: () => this.openSound(sessionId),
        },
        {
          label: 'Export what can be read',
          testId: 'export-sound',
          accept: () => this.transfers.exportReadable(sessionId),
        },
      ]);
    }
  }

  #show(chat: Chat | null, how: 'push' | 'replace' = 'push'): void {
    this.#arrival?.shown.resolve(chat);
    this.#await(null);
    this.place = 'chat';
    this.storage.rest();
    setAddress('chat', chat?.id ?? null, how);
    this.notices.run(this.pins.show(chat));
    this.trace.show(chat?.view ?? null);
    this.panels.uncover();
    this.#chats.show(chat);
    this.#sendWished();
    this.redraw();
  }
}
