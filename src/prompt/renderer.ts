import type { PromptLayerData } from '../core/prompt-layer.ts';
import { type RenderedPrompt, renderPrompt } from './render.ts';
import { resolvePrompt } from './resolve.ts';

/** Renders prompts and remembers the last one, so that a prompt is rendered once per change. One per session. */
export interface PromptRenderer {
  /**
   * The system prompt of `layers` (lowest first) where the model can call `tools`. What equals the last call, by
   * identity or by content, gets the same object back and renders nothing.
   */
  render(layers: readonly PromptLayerData[], tools: readonly string[]): RenderedPrompt;
}

interface Remembered {
  readonly layers: readonly PromptLayerData[];
  readonly tools: readonly string[];
  readonly fingerprint: string;
  readonly rendered: RenderedPrompt;
}

/** A renderer that remembers nothing yet. */
export function createPromptRenderer(): PromptRenderer {
  let last: Remembered | undefined;
  return {
    render(layers, tools) {
      if (last !== undefined && sameItems(last.layers, layers) && sameItems(last.tools, tools))
        return last.rendered;
      const fingerprint = JSON.stringify([layers, tools]);
      const rendered =
        last?.fingerprint === fingerprint ? last.rendered : renderPrompt(resolvePrompt(layers, tools), tools);
      last = { layers: [...layers], tools: [...tools], fingerprint, rendered };
      return rendered;
    },
  };
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
