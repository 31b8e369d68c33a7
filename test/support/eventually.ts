import { vi } from 'vitest';

/** So long a busy machine may need; what works comes nowhere near. */
const PATIENCE_MS = 60_000;

/** Waits until `check` does not throw, and resolves with what it gives. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval: 2 });
}
