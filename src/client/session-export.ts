import type { ExportRequest } from '../protocol/api.ts';
import { byteStream } from './byte-stream.ts';
import type { MakeCall } from './session.ts';

/** A session's file to download: its name, and its bytes as a stream that is read as it is consumed. */
export interface SessionExport {
  /** `<title>.jsonl`. */
  readonly fileName: string;
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Begins to export a session. Cancelling the stream ends the export. */
export async function exportSession(call: MakeCall, request: ExportRequest): Promise<SessionExport> {
  const { transfer, fileName } = await call('exportSession', request);
  const stream = byteStream(
    () => call('readExport', { transfer }),
    () => call('cancelExport', { transfer }),
  );
  return { fileName, stream };
}
