import { loadModule } from '../contract/load-module.ts';
import type { Tool } from '../contract/tool.ts';
import type { PageToolAnswer, ToolOffer } from '../protocol/api.ts';
import type { EventSender } from '../protocol/event-channel.ts';
import type { Outcome } from '../protocol/wire.ts';
import type { PageTools } from './page-tools.ts';

/** What a page offers to its sessions. The code for it is loaded with the first offer. */
export class PageOffers {
  readonly #channel: EventSender;
  #tools: PageTools | undefined;

  constructor(channel: EventSender) {
    this.#channel = channel;
  }

  /** The tools that the page offers now. */
  get tools(): readonly Tool[] {
    return this.#tools?.tools ?? [];
  }

  /** Replaces the tools that the page offers. @throws `InvalidInput` */
  async offerTools(offer: ToolOffer, taken: readonly string[]): Promise<void> {
    const module = await loadModule('page-tools', import('./page-tools.ts'));
    this.#tools ??= new module.PageTools(this.#channel);
    await this.#tools.offer(offer, taken);
  }

  /** The page's answer to a call of a tool. */
  answerTool(call: number, answer: Outcome<PageToolAnswer>): void {
    this.#tools?.answer(call, answer);
  }

  /** The page is going away. Resolves when the turns that it works for have been told. */
  async close(): Promise<void> {
    await this.#tools?.close();
  }
}
