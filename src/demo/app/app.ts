import { isLashError, type RuntimeClient, type TurnResult } from 'lash-web';

import { Chat, NEW_TITLE } from './chat.ts';
import { Connection } from './connection.ts';
import { Draft } from './draft.ts';
import { Keys } from './keys.ts';
import { Kit } from './kit.ts';
import { choiceOf, keepChoice, lastChoice, policyOf, type ModelChoice } from './model-choice.ts';
import { Notices } from './notices.ts';
import { Offline } from './offline.ts';
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
  /** The chat that is open. */
  chat: Chat | null = null;
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
  readonly #dismissedWarnings = new Set<string>();
  #freshDraft = new Draft();
  #opening = 0;
  #creating: Promise<Chat> | null = null;
  /** The open chat, and those that were left while an answer was under way. */
  readonly #chats = new Map<string, Chat>();
  readonly #drafts = new Map<string, Draft>();

  constructor(connect: (theme: Theme) => Promise<RuntimeClient>, changed: () => void) {
    this.redraw = changed;
    this.notices = new Notices(changed);
    this.connection = new Connection(() => connect(this.theme), changed, this.notices.show);
    const client = (): RuntimeClient => this.connection.client;
    this.sessions = new SessionList(client, changed);
    this.pins = new Pins(client, changed);
    this.storage = new StorageFacts(client, changed);
    this.transfers = new Transfers(client, changed);
    this.kit = new Kit(changed, this.notices.show);
    this.offline = new Offline(changed);
    this.trace = new TraceFeed(() => this.chat?.busy === true, changed, this.notices.show);
    this.theme = new Theme(changed);
    this.panels = new Panels(changed);
    this.settings = new Settings(this.#keys, changed);
  }

  /** What stands in the composer. */
  get draft(): Draft {
    return this.chat?.draft ?? this.#freshDraft;
  }

  /** The model of the open chat, or the one that a new chat gets. */
  get model(): ModelChoice {
    return this.chat === null ? lastChoice() : choiceOf(this.chat.session.policy);
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
    await this.connection.connect(async (client) => {
      await this.#keys.giveAll(client);
      await this.sessions.refresh();
    });
    this.notices.dismiss();
    if (this.place === 'storage') this.readStorage();
    await this.open(sessionId);
  }

  /** Shows what the page's address names. */
  async follow(): Promise<void> {
    const place = placeInAddress();
    if (place === 'chat') await this.open(sessionInAddress());
    else this.goTo(place);
  }

  /** Shows another place; the open chat stays as it is. */
  goTo(place: Place): void {
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
    this.notices.run(
      this.sessions
        .refresh()
        .then(() => this.storage.refresh(this.sessions.items.map(({ sessionId }) => sessionId))),
    );
  }

  readonly reconnect = (): void => this.notices.run(this.connect(this.chat?.id ?? sessionInAddress()));

  /** Shows the session of this id, or none. What is being answered in the one before goes on. */
  async open(sessionId: string | null): Promise<void> {
    const attempt = ++this.#opening;
    if (sessionId === (this.chat?.id ?? null)) {
      if (sessionId !== null && this.place !== 'chat') this.goTo('chat');
      return;
    }
    this.notices.dismiss();
    const known = this.#chats.get(sessionId ?? '');
    if (sessionId === null || known !== undefined) return this.#show(known ?? null);
    try {
      const session = await this.connection.client.openSession(sessionId);
      const chat = new Chat(session, this.#drafts.get(sessionId) ?? new Draft(), this.redraw);
      if (attempt === this.#opening) this.#show(chat);
      else await chat.close();
    } catch (error) {
      // To go back must not lead here again.
      if (attempt === this.#opening) this.#show(null, 'replace');
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

  /** Shows a damaged session up to its last sound message, for reading only. */
  async openSound(sessionId: string): Promise<void> {
    const attempt = ++this.#opening;
    this.notices.dismiss();
    const session = await this.connection.client.openSession(sessionId, {
      mode: 'readOnly',
      damaged: 'showSound',
    });
    const chat = new Chat(session, new Draft(), this.redraw);
    if (attempt === this.#opening) this.#show(chat);
    else await chat.close();
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

  /** Makes a new session and shows it. What was typed while none was open comes along. Asked twice at once, it makes one. */
  create(): Promise<Chat> {
    this.#creating ??= this.#create().finally(() => {
      this.#creating = null;
    });
    return this.#creating;
  }

  async #create(): Promise<Chat> {
    this.#opening++;
    this.notices.dismiss();
    const choice = lastChoice();
    const policy = policyOf(choice, this.#keys.nameFor(choice));
    const session = await this.connection.client.createSession({ title: NEW_TITLE, policy });
    const chat = new Chat(session, this.chat === null ? this.#freshDraft : new Draft(), this.redraw);
    this.#freshDraft = new Draft();
    this.#show(chat);
    await this.sessions.refresh();
    return chat;
  }

  /** Deletes a session for good, whatever it is doing. */
  async delete(sessionId: string): Promise<void> {
    const chat = this.#chats.get(sessionId);
    if (chat !== undefined) {
      await chat.stop();
      this.#chats.delete(sessionId);
      if (this.chat === chat) this.#show(null);
      await chat.close();
    }
    await this.sessions.delete(sessionId);
  }

  async send(): Promise<void> {
    if (!this.draft.sendable) return;
    const chat = this.chat ?? (await this.create());
    await this.#watch(chat, chat.send());
  }

  async regenerate(): Promise<void> {
    if (this.chat !== null) await this.#watch(this.chat, this.chat.regenerate());
  }

  async continue(): Promise<void> {
    if (this.chat !== null) await this.#watch(this.chat, this.chat.continue());
  }

  async attach(files: readonly File[]): Promise<void> {
    const chat = this.chat ?? (await this.create());
    for (const file of files) this.notices.run(chat.attach(file));
  }

  openSettings(): void {
    this.settings.begin(this.model);
    this.panels.show('settings', true);
  }

  /** Uses what stands in the settings for the open chat and for new ones. */
  async saveSettings(): Promise<void> {
    const { choice, key } = this.settings;
    if (choice.provider !== 'builtin' && key !== '')
      await this.#keys.give(this.connection.client, choice, key);
    keepChoice(choice);
    this.notices.dismiss();
    await this.chat?.session.setPolicy(policyOf(choice, this.#keys.nameFor(choice)));
    this.redraw();
  }

  /** Saves the trace of the open chat, or of all of them, as a file. */
  async downloadTrace(): Promise<void> {
    const request = this.chat === null ? {} : { sessionId: this.chat.id };
    await saveFile(await this.connection.client.exportTrace(request));
  }

  async #watch(chat: Chat, turn: Promise<TurnResult | null>): Promise<void> {
    this.notices.dismiss();
    this.trace.follow(this.connection.client);
    try {
      const result = await turn;
      if (result?.error !== undefined && this.chat === chat) this.notices.show(result.error);
    } finally {
      if (this.chat !== chat) await this.#leave(chat);
    }
    await this.sessions.refresh();
  }

  #show(chat: Chat | null, how: 'push' | 'replace' = 'push'): void {
    const left = this.chat;
    this.chat = chat;
    this.place = 'chat';
    this.storage.rest();
    if (chat !== null) this.#chats.set(chat.id, chat);
    setAddress('chat', chat?.id ?? null, how);
    this.notices.run(this.pins.show(chat));
    this.trace.show(this.connection.client, chat?.id ?? null);
    this.panels.uncover();
    if (left !== null && left !== chat && !left.running) this.notices.run(this.#leave(left));
    this.redraw();
  }

  async #leave(chat: Chat): Promise<void> {
    if (this.#chats.get(chat.id) !== chat) return;
    this.#drafts.set(chat.id, chat.draft);
    this.#chats.delete(chat.id);
    await chat.close();
  }
}
