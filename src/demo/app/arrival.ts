import type { Chat } from './chat.ts';

/** A chat that is on its way. Without an id it is a new one. */
export interface Arrival {
  readonly sessionId: string | null;
  /** Resolves with the chat once it is shown; with `null` if it does not come, or something else is wanted meanwhile. */
  readonly shown: PromiseWithResolvers<Chat | null>;
}
