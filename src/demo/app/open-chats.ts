import type { EndedTurn, SessionClient } from 'lash-web';

import { Chat } from './chat.ts';
import type { Draft } from './draft.ts';

/** What an app does with what happens in its chats. */
export interface ChatsHost {
  /** Something of a chat changed; `ended` is a turn that ended by it. */
  changed(chat: Chat, ended: EndedTurn | null): void;
  /** Owns a promise that nobody waits for. */
  run(task: Promise<unknown>): void;
}

/** The chats that are open: the one that is shown, and those that were left before everything was answered. */
export class OpenChats {
  shown: Chat | null = null;
  readonly #chats = new Map<string, Chat>();
  readonly #host: ChatsHost;

  constructor(host: ChatsHost) {
    this.#host = host;
  }

  /** The open chat of this session. */
  get(sessionId: string): Chat | undefined {
    return this.#chats.get(sessionId);
  }

  /** A chat for a session that was opened just now. */
  add(session: SessionClient, draft: Draft): Chat {
    const chat = new Chat(session, draft, (ended) => {
      this.#host.changed(chat, ended);
      this.#rest(chat);
    });
    this.#chats.set(chat.id, chat);
    return chat;
  }

  /** Shows a chat, or none, and lets go of the one before unless something in it is still to be answered. */
  show(chat: Chat | null): void {
    const left = this.shown;
    this.shown = chat;
    if (left !== null) this.#rest(left);
  }

  /** Closes a chat. */
  async close(chat: Chat): Promise<void> {
    if (this.#chats.get(chat.id) !== chat) return;
    this.#chats.delete(chat.id);
    await chat.close();
  }

  #rest(chat: Chat): void {
    if (chat !== this.shown && !chat.unfinished) this.#host.run(this.close(chat));
  }
}
