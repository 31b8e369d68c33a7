import { commands } from 'vitest/browser';

declare module 'vitest/internal/browser' {
  interface BrowserCommands {
    levelDbFolders(): Promise<string[]>;
  }
}

/** The LevelDB folders of the browser's profile: empty in every engine but `chromium-persistent`. */
export const levelDbFolders = (): Promise<string[]> => commands.levelDbFolders();
