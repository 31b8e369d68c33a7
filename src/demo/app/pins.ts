import type { RuntimeClient } from 'lash-web';

import type { Chat } from './chat.ts';

/** The messages of the open chat that are pinned: they and what lies above them are never tidied away. */
export class Pins {
  #nodeIds: ReadonlySet<string> = new Set();
  #chat: Chat | null = null;
  readonly #client: () => RuntimeClient;
  readonly #changed: () => void;

  constructor(client: () => RuntimeClient, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  has(nodeId: string): boolean {
    return this.#nodeIds.has(nodeId);
  }

  /** Shows the pins of another chat, or of none. A damaged one may not tell. */
  async show(chat: Chat | null): Promise<void> {
    this.#chat = chat;
    this.#nodeIds = new Set();
    if (chat !== null && !chat.readOnly) await this.#read(chat);
  }

  async pin(chat: Chat, nodeId: string): Promise<void> {
    await chat.session.pin(nodeId);
    await this.#read(chat);
  }

  async unpin(chat: Chat, nodeId: string): Promise<void> {
    await chat.session.unpin(nodeId);
    await this.#read(chat);
  }

  async #read(chat: Chat): Promise<void> {
    const { pins } = await this.#client().maintenance.inventory(chat.id);
    if (this.#chat !== chat) return;
    this.#nodeIds = new Set(pins);
    this.#changed();
  }
}
