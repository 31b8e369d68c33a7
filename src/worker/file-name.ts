/** The name of a download: `name` as something that any file system takes, or `fallback` if nothing of it is left. */
export function fileNameOf(name: string, fallback: string): string {
  const safe = name
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^[._]+/, '')
    .slice(0, 100);
  return `${safe === '' ? fallback : safe}.jsonl`;
}
