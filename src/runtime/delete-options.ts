import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { DeleteOptions } from '../contract/store.ts';

/** What goes with a session's rows: its traces (law ST12). */
export function deleteOptions({ traceSink }: RuntimeEnvironment): DeleteOptions {
  return { alsoDelete: async (sessionId) => await traceSink?.deleteSession?.(sessionId) };
}
