import type { JsonValue } from '../core/json.ts';
import type { Part } from '../core/message.ts';
import type { SessionNode } from '../core/node.ts';
import { estimateTokens } from '../core/token-estimate.ts';
import { outcomeText, type ToolInvocation } from '../core/tool-call.ts';

/** What an image is taken to cost; providers count between 85 and some 1,600 tokens. */
const IMAGE_TOKENS = 1000;
/** The line that names a file, and what surrounds every message. */
const OVERHEAD_TOKENS = 40;

/**
 * Roughly how many tokens a model reads for a node; a plugin's node is not shown and costs nothing. Of a tool's result it
 * reads `resultBytes` at most.
 */
export function estimateNodeTokens(node: SessionNode, resultBytes: number): number {
  switch (node.body.kind) {
    case 'conversation':
      return node.body.message.parts.reduce((sum, part) => sum + estimatePart(part), OVERHEAD_TOKENS);
    case 'tool':
      return OVERHEAD_TOKENS + estimateResult(node.body.invocation, resultBytes);
    case 'plugin':
      return 0;
  }
}

/** Roughly how many tokens a model reads for all of them. */
export function estimateNodesTokens(nodes: readonly SessionNode[], resultBytes: number): number {
  return nodes.reduce((sum, node) => sum + estimateNodeTokens(node, resultBytes), 0);
}

function estimatePart(part: Part): number {
  switch (part.type) {
    case 'image':
      return IMAGE_TOKENS;
    case 'file':
      return OVERHEAD_TOKENS;
    case 'tool-call':
      return overflowTokens(part.overflow) ?? estimateJson(part.args);
    case 'text':
    case 'reasoning':
      return overflowTokens(part.overflow) ?? estimateTokens(part.text);
  }
}

function estimateResult({ outcome }: ToolInvocation, resultBytes: number): number {
  if (outcome.status !== 'success') return estimateTokens(outcomeText(outcome));
  const { overflow, attachments = [] } = outcome;
  const whole = overflowTokens(overflow) ?? estimateTokens(outcomeText(outcome));
  const others = attachments.map(({ mime }) => (mime.startsWith('image/') ? IMAGE_TOKENS : OVERHEAD_TOKENS));
  return others.reduce((sum, tokens) => sum + tokens, Math.min(whole, Math.ceil(resultBytes / 3)));
}

function estimateJson(value: JsonValue): number {
  return estimateTokens(JSON.stringify(value));
}

function overflowTokens(overflow: { readonly byteLength: number } | undefined): number | undefined {
  return overflow === undefined ? undefined : Math.ceil(overflow.byteLength / 3);
}
