/** Lets the page of a worker ask for `calls`: `{ id, name, args }` is answered with `{ id, value }` or `{ id, error }`. */
export function answerCalls(calls: Readonly<Record<string, (...args: never[]) => unknown>>): void {
  self.onmessage = async ({ data }: MessageEvent<{ id: number; name: string; args: never[] }>) => {
    const { id, name, args } = data;
    try {
      self.postMessage({ id, value: await calls[name]?.(...args) });
    } catch (error) {
      self.postMessage({ id, error: String(error) });
    }
  };
}
