import { commands } from 'vitest/browser';

declare module 'vitest/internal/browser' {
  interface BrowserCommands {
    backEnds(): Promise<string[]>;
  }
}

/** What the browser's profile keeps databases in: `leveldb`, `sqlite`; empty where there is no profile to look into. */
export const backEnds = (): Promise<string[]> => commands.backEnds();
