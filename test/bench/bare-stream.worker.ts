import { tokens } from '../worker/tokens.ts';

/** The least that streams tokens off the main thread: batches of 32 messages on a MessagePort. */
async function stream(port: MessagePort, count: number): Promise<void> {
  let batch: { type: string; correlationId: string; text: string }[] = [];
  const send = (): void => {
    port.postMessage(batch);
    batch = [];
  };
  for await (const text of tokens(count)) {
    batch.push({ type: 'text-delta', correlationId: 'c', text });
    if (batch.length === 32) send();
  }
  if (batch.length > 0) send();
}

self.addEventListener('message', ({ data }: MessageEvent<{ port: MessagePort; count: number }>) => {
  void stream(data.port, data.count);
});
