import { sha256Of } from '../../contract/digest.ts';
import type { TraceContext } from '../../contract/trace.ts';
import type { RenderedPrompt } from '../../prompt/render.ts';
import type { Tracer } from './tracer.ts';

/** Traces which pieces a prompt has, with their hashes, so that a changed one shows; nothing once `signal` aborted. */
export async function tracePrompt(
  tracer: Tracer,
  { text, components }: RenderedPrompt,
  context: TraceContext,
  signal: AbortSignal,
): Promise<void> {
  if (!tracer.on) return;
  const hashed = components.map(async (piece) => ({
    id: piece.id,
    kind: piece.kind,
    hash: await hashText(piece.text),
    chars: codePoints(piece.text),
  }));
  const [hash, pieces] = await Promise.all([hashText(text), Promise.all(hashed)]);
  signal.throwIfAborted();
  tracer.write(context, {
    type: 'prompt_built',
    prompt_hash: hash,
    prompt_chars: codePoints(text),
    components: pieces,
  });
}

function hashText(text: string): Promise<string> {
  return sha256Of(new TextEncoder().encode(text));
}

function codePoints(text: string): number {
  return Array.from(text).length;
}
