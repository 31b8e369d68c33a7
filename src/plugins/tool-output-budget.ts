import { definePlugin, type HookContext, type Plugin } from '../contract/plugin.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import { LashError } from '../core/error.ts';
import { jsonBeginning, jsonEnd } from '../core/json-edge.ts';
import type { SessionNode } from '../core/node.ts';
import { outcomeText, type ToolOutcome } from '../core/tool-call.ts';
import { cutOutput, type OutputBudget } from './internal/cut-output.ts';

/** Options of {@link toolOutputBudget}. */
export interface ToolOutputBudgetOptions {
  /** How many bytes of a result the model is shown at most. Default: 16 KiB. */
  readonly maxBytes?: number;
  /** How many lines of it. Default: 400. */
  readonly maxLines?: number;
  /** By the name of a tool, which end of its results is shown. Default: the head. */
  readonly keep?: Readonly<Record<string, 'head' | 'tail'>>;
}

type Success = Extract<ToolOutcome, { readonly status: 'success' }>;
type Store = HookContext<unknown>['attachmentStore'];

/** How many previews of stored results a session holds, so that a step does not read again what the last one read. */
const HELD = 32;

/**
 * Keeps long tool results out of the model's context. A result over the budget is stored whole as an attachment; the model is
 * shown whole lines of its head, or of its tail, how much is missing, and the attachment's id, which a tool that reads
 * attachments takes. Histories keep the whole, also of results that are older than the plugin.
 *
 * @throws `InvalidInput` for a budget that is no whole number from 1 on
 */
export function toolOutputBudget(options: ToolOutputBudgetOptions = {}): Plugin {
  const { maxBytes = 16 * 1024, maxLines = 400, keep = {} } = options;
  refuseNoCount('maxBytes', maxBytes);
  refuseNoCount('maxLines', maxLines);
  const budgetOf = (tool: string): OutputBudget => ({ maxBytes, maxLines, keep: keepOf(keep, tool) });
  return definePlugin({
    id: 'tool-output-budget',
    version: 1,
    // What others make of the path, they make of what this one shows.
    priority: -100,
    build: () => {
      const previews = new Previews();
      return {
        afterToolCall: async (call, outcome, { attachmentStore }) => {
          if (outcome.status !== 'success' || outcome.overflow !== undefined) return undefined;
          if (cutOutput(outcomeText(outcome), budgetOf(call.tool)) === undefined) return undefined;
          const json = new TextEncoder().encode(JSON.stringify(outcome.value));
          try {
            const overflow = await attachmentStore.put(json, { mime: 'application/json' });
            return { ...outcome, value: null, overflow };
          } catch {
            // The call did what it should. Its outcome is kept as all others are, and shown cut all the same.
            return undefined;
          }
        },
        viewContext: async (nodes, { attachmentStore }) =>
          await Promise.all(
            nodes.map(async (node) => {
              if (node.body.kind !== 'tool' || node.body.invocation.outcome.status !== 'success') return node;
              const { tool, outcome } = node.body.invocation;
              const cut = await cutOutcome(outcome, budgetOf(tool), previews, attachmentStore);
              return cut === outcome ? node : withOutcome(node, cut);
            }),
          ),
      };
    },
  });
}

function keepOf(keep: Readonly<Record<string, 'head' | 'tail'>>, tool: string): 'head' | 'tail' {
  return Object.hasOwn(keep, tool) ? (keep[tool] ?? 'head') : 'head';
}

/** An outcome as the model is shown it. */
async function cutOutcome(
  outcome: Success,
  budget: OutputBudget,
  previews: Previews,
  store: Store,
): Promise<Success> {
  const { overflow, attachments = [] } = outcome;
  if (overflow === undefined) {
    const value = cutOutput(outcomeText(outcome), budget);
    return value === undefined ? outcome : { ...outcome, value };
  }
  const value = await previews.of(overflow, budget, store);
  // Among the attachments it is named to the model, and to the tools that it calls.
  return value === null ? outcome : { status: 'success', value, attachments: [...attachments, overflow] };
}

/** The previews of results that lie in attachments: `null` of one that fits, or cannot be read, which others tell. */
class Previews {
  readonly #held = new Map<string, string | null>();

  async of(ref: AttachmentRef, budget: OutputBudget, store: Store): Promise<string | null> {
    const key = `${ref.id} ${budget.keep}`;
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    let preview: string | null;
    try {
      preview = await previewOf(ref, budget, await store.get(ref.id));
    } catch {
      return null;
    }
    const [oldest] = this.#held.keys();
    if (this.#held.size >= HELD && oldest !== undefined) this.#held.delete(oldest);
    this.#held.set(key, preview);
    return preview;
  }
}

/** Reads no more of a stored result than may be shown of it. */
async function previewOf(ref: AttachmentRef, budget: OutputBudget, blob: Blob): Promise<string | null> {
  const { maxBytes, keep } = budget;
  const unseen = Math.max(0, ref.byteLength - maxBytes);
  if (keep === 'head') {
    const text = jsonBeginning(await blob.slice(0, maxBytes).text());
    return cutOutput(text, budget, unseen) ?? null;
  }
  const isString = (await blob.slice(0, 1).text()) === '"';
  if (unseen === 0) return cutOutput(jsonBeginning(await blob.text()), budget) ?? null;
  return cutOutput(jsonEnd(await blob.slice(-maxBytes).text(), isString), budget, unseen) ?? null;
}

function withOutcome(node: SessionNode, outcome: ToolOutcome): SessionNode {
  if (node.body.kind !== 'tool') return node;
  return { ...node, body: { ...node.body, invocation: { ...node.body.invocation, outcome } } };
}

function refuseNoCount(path: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  const reason = 'must be a whole number from 1 on';
  throw new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
