import type { TurnPath } from '../../src/contract/plugin.ts';
import { freeze } from '../../src/core/freeze.ts';
import type { SessionNode, NodeBody } from '../../src/core/node.ts';
import type { ToolOutcome } from '../../src/core/tool-call.ts';
import { NO_SELECTION, selectContext, selectedPath } from '../../src/turn/context.ts';
import { estimateNodeTokens } from '../../src/turn/estimate.ts';

/** What a model reads of a result at most. */
const RESULT_BYTES = 64 * 1024;

const PAGE = 10;

export const tokensOf = (node: SessionNode): number => estimateNodeTokens(node, RESULT_BYTES);

/** A path that grows, as a session's does. Every node of it is frozen. */
export class GrowingPath {
  nodes: SessionNode[] = [];
  #ids = 0;
  #calls = 0;

  add(body: NodeBody): SessionNode {
    const node: SessionNode = {
      id: `n${++this.#ids}`,
      parentId: this.nodes.at(-1)?.id ?? null,
      createdAt: this.#ids,
      body,
    };
    this.nodes.push(freeze(node));
    return node;
  }

  user(text: string, image = false): SessionNode {
    const turns = this.nodes.filter(
      ({ body }) => body.kind === 'conversation' && body.turnIndex !== undefined,
    );
    const picture = { type: 'image', attachment: { id: 'i', mime: 'image/png', byteLength: 9 } } as const;
    const parts = [{ type: 'text', text } as const, ...(image ? [picture] : [])];
    const turnIndex = turns.length + 1;
    return this.add({
      kind: 'conversation',
      message: { role: 'user', parts },
      turnId: `t${turnIndex}`,
      turnIndex,
    });
  }

  /** What somebody said while the turn ran. */
  interject(text: string): SessionNode {
    const message = { role: 'user', parts: [{ type: 'text', text }] } as const;
    return this.add({ kind: 'conversation', message, turnId: 'interjected' });
  }

  answer(text: string): SessionNode {
    const message = { role: 'assistant', parts: [{ type: 'text', text }] } as const;
    return this.add({ kind: 'conversation', message, turnId: 't' });
  }

  /** A step of calls with these results. */
  step(...results: readonly (string | ToolOutcome)[]): readonly SessionNode[] {
    const calls = results.map(() => `c${++this.#calls}`);
    const parts = calls.map((callId) => ({ type: 'tool-call', callId, tool: 'look', args: {} }) as const);
    const asked = this.add({ kind: 'conversation', message: { role: 'assistant', parts }, turnId: 't' });
    const told = results.map((result, index) => {
      const outcome: ToolOutcome = typeof result === 'string' ? { status: 'success', value: result } : result;
      const invocation = { callId: calls[index] ?? '', tool: 'look', args: {}, outcome, durationMs: 1 };
      return this.add({ kind: 'tool', invocation, turnId: 't' });
    });
    return [asked, ...told];
  }

  /** Goes back to where so many nodes are left. */
  goBack(length: number): void {
    this.nodes = this.nodes.slice(0, length);
  }

  /** What the engine chooses of it. */
  selected(budget: number): readonly SessionNode[] {
    let selection = NO_SELECTION;
    for (let end = this.nodes.length; end > 0 && !selection.done; end -= PAGE) {
      const start = Math.max(0, end - PAGE);
      selection = selectContext(
        selection,
        { start, nodes: this.nodes.slice(start, end) },
        budget,
        RESULT_BYTES,
      );
    }
    return selectedPath(selection).nodes;
  }

  /** As hooks read it. `read` counts the nodes. */
  reader(): TurnPath & { readonly read: () => number } {
    let read = 0;
    const { nodes } = this;
    return {
      tokensOf,
      read: () => read,
      async *pages(to) {
        await Promise.resolve();
        const last = to === undefined ? nodes.length - 1 : nodes.findIndex(({ id }) => id === to);
        for (let end = last + 1; end > 0; end -= PAGE) {
          const page = nodes.slice(Math.max(0, end - PAGE), end);
          read += page.length;
          yield page;
        }
      },
    };
  }
}

/** Calls without the result that the path has, and results without their call. */
export function unpaired(view: readonly SessionNode[], path: readonly SessionNode[]): readonly string[] {
  const wrong: string[] = [];
  let open = new Set<string>();
  const answered = new Set(
    path.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.callId] : [])),
  );
  const end = (): void => void wrong.push(...[...open].filter((callId) => answered.has(callId)));
  for (const { body } of view) {
    if (body.kind === 'tool') {
      if (!open.delete(body.invocation.callId)) wrong.push(body.invocation.callId);
    } else if (body.kind === 'conversation') {
      end();
      const calls = body.message.parts.flatMap((part) => (part.type === 'tool-call' ? [part.callId] : []));
      open = new Set(calls);
    }
  }
  end();
  return wrong;
}
