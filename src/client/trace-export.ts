import type { TraceLines, TraceReadRequest } from '../protocol/api.ts';
import { byteStream } from './byte-stream.ts';

/** A file to download: its name, and its bytes as a stream that is read as it is consumed. */
export interface TraceExport {
  /** `<name of the trace>.jsonl`. */
  readonly fileName: string;
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Which trace to export, and of which session; default: the one that the environment writes, all of it. */
export type TraceExportRequest = Pick<TraceReadRequest, 'name' | 'sessionId'>;

/** Begins to read a trace. What is appended while it is read may or may not be in it. */
export async function exportTrace(
  read: (request: TraceReadRequest) => Promise<TraceLines>,
  request: TraceExportRequest,
): Promise<TraceExport> {
  const encoder = new TextEncoder();
  const first = await read(request);
  let next = async (): Promise<TraceLines> => await Promise.resolve(first);
  const stream = byteStream(async () => {
    const { text, done, cursor } = await next();
    next = () => read({ ...request, cursor });
    return { bytes: encoder.encode(text), done };
  });
  return { fileName: first.fileName, stream };
}
