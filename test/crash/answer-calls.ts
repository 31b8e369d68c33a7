import { toWireError } from '../../src/core/error.ts';

/** Answers what the page of a worker site asks this worker, by the names of these calls. */
export function answerCalls<Name extends string>(
  calls: Readonly<Record<Name, (...args: never[]) => unknown>>,
): void {
  self.onmessage = async ({ data }: MessageEvent<{ id: number; name: Name; args: never[] }>) => {
    const { id, name, args } = data;
    try {
      self.postMessage({ id, value: await calls[name](...args) });
    } catch (error) {
      const { code, message } = toWireError(error);
      self.postMessage({
        id,
        error: `${code}: ${message}${error instanceof Error ? `\n${error.stack}` : ''}`,
      });
    }
  };
}
