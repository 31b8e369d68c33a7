import type { TraceLines, TraceReadRequest } from '../protocol/api.ts';

/** A file to download: its name, and its bytes as a stream that is read as it is consumed. */
export interface TraceExport {
  /** `<name of the trace>.jsonl`. */
  readonly fileName: string;
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Which trace to export, and of which session; default: the one that the environment writes, all of it. */
export type TraceExportRequest = Pick<TraceReadRequest, 'name' | 'sessionId'>;

/**
 * Begins to read a trace. The stream is made here and pulls one chunk at a time (law TR3), since not every browser can
 * send a stream between threads. What is appended while it is read may or may not be in it.
 */
export async function exportTrace(
  read: (request: TraceReadRequest) => Promise<TraceLines>,
  request: TraceExportRequest,
): Promise<TraceExport> {
  const encoder = new TextEncoder();
  let chunk: TraceLines | undefined = await read(request);
  const fileName = `${safeName(chunk.name)}.jsonl`;
  let cursor: string | undefined;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: async (controller) => {
        for (;;) {
          const lines: TraceLines =
            chunk ?? (await read(cursor === undefined ? request : { ...request, cursor }));
          chunk = undefined;
          cursor = lines.cursor;
          if (lines.text !== '') controller.enqueue(encoder.encode(lines.text));
          if (lines.done) controller.close();
          if (lines.done || lines.text !== '') return;
        }
      },
    },
    { highWaterMark: 0 },
  );
  return { fileName, stream };
}

/** `name` as something that any file system takes. */
function safeName(name: string): string {
  const safe = name
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^[._]+/, '')
    .slice(0, 100);
  return safe === '' ? 'trace' : safe;
}
