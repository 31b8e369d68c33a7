/** Some bytes, perhaps none. `done`: no more follow. */
export interface Bytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly done: boolean;
}

/**
 * A stream that asks for bytes only as it is consumed (law TR3). It is made on the page, since not every browser can send
 * one between threads.
 */
export function byteStream(
  next: () => Promise<Bytes>,
  cancel: () => Promise<void> | undefined = () => undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: async (controller) => {
        for (;;) {
          const { bytes, done } = await next();
          if (bytes.length > 0) controller.enqueue(bytes);
          if (done) controller.close();
          if (done || bytes.length > 0) return;
        }
      },
      cancel,
    },
    { highWaterMark: 0 },
  );
}
