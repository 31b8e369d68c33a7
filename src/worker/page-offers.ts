import { loadModule } from '../contract/load-module.ts';
import type { Providers } from '../contract/provider.ts';
import type { Tool } from '../contract/tool.ts';
import type { PageModelEvents, PageProviderSpec, PageToolAnswer, ToolOffer } from '../protocol/api.ts';
import type { EventSender } from '../protocol/event-channel.ts';
import type { Outcome } from '../protocol/wire.ts';
import type { PageProviders } from './page-providers.ts';
import type { PageTools } from './page-tools.ts';
import { modelEvents } from './schema/model-event.ts';

/**
 * What a page offers to its sessions. The code for it is loaded with the first offer, without the schema of events: that
 * would take the schema library out of the file that the worker starts with.
 */
export class PageOffers {
  readonly #channel: EventSender;
  #tools: PageTools | undefined;
  #providers: PageProviders | undefined;

  constructor(channel: EventSender) {
    this.#channel = channel;
  }

  /** The tools that the page offers now. */
  get tools(): readonly Tool[] {
    return this.#tools?.tools ?? [];
  }

  /** The providers that the page offers now. */
  get providers(): Providers {
    return this.#providers?.providers ?? {};
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

  /** Takes an offer of a provider, or takes it back. @throws `InvalidInput` */
  async offerProvider(
    id: string,
    provider: PageProviderSpec | null,
    taken: readonly string[],
  ): Promise<void> {
    const module = await loadModule('page-providers', import('./page-providers.ts'));
    this.#providers ??= new module.PageProviders(this.#channel, modelEvents);
    this.#providers.offer(id, provider, taken);
  }

  /** More of a model's answer; resolves with whether the rest is wanted. */
  async takeModelEvents(events: PageModelEvents): Promise<boolean> {
    return (await this.#providers?.take(events)) ?? false;
  }

  /** The page is going away. Resolves when the turns whose tools it runs have been told; model calls end with their turns. */
  async close(): Promise<void> {
    await this.#tools?.close();
  }
}
