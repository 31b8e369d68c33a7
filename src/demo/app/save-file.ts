/** A file that the browser is to save. */
export interface FileToSave {
  readonly fileName: string;
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Lets the browser save a file. Resolves once all of it is read. @throws what the stream fails with; then nothing is saved */
export async function saveFile({ fileName, stream }: FileToSave): Promise<void> {
  saveBlob(fileName, await new Response(stream).blob());
}

/** Lets the browser save these bytes as a file. */
export function saveBlob(fileName: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement('a'), { href: url, download: fileName }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
