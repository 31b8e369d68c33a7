import type { CallChildren, ChildReport } from './child-call.ts';

/** What `work` resolves with, and what came of the children that it asked for: they end with it, however it ends. */
export async function endWith<T>(
  children: CallChildren,
  work: Promise<T>,
): Promise<readonly [T, ChildReport]> {
  try {
    const done = await work;
    return [done, await children.end()];
  } catch (error) {
    await children.end();
    throw error;
  }
}
