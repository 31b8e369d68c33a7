import type {
  AttachmentRef,
  BranchPoint,
  JsonValue,
  LiveTurn,
  Message,
  SessionNode,
  SessionView,
  ToolOutcome,
} from 'lash-web';

/** A tool call as it is shown, while it runs and after. `durationMs` is known once it is history. */
export interface ShownToolCall {
  readonly callId: string;
  readonly tool: string;
  /** `null` when they were too long and lie in `longArgs`. */
  readonly args: JsonValue;
  readonly longArgs?: AttachmentRef;
  /** How far it says that it is, while it runs. */
  readonly progress?: JsonValue;
  readonly outcome?: ToolOutcome;
  readonly durationMs?: number;
  /** It has not started: somebody has to allow it, or to bring what it needs. */
  readonly waiting?: boolean;
  /** Nothing runs any more that could still bring an outcome. */
  readonly abandoned: boolean;
}

/** A message of the history as it is shown. */
export interface ShownMessage {
  readonly node: SessionNode;
  readonly message: Message;
  readonly toolCalls: readonly ShownToolCall[];
  readonly branches: BranchPoint | undefined;
  /** It goes on with the answer of the message above: a later step of the same turn. */
  readonly continues: boolean;
  /** The message below goes on with it. */
  readonly continued: boolean;
  readonly lastAnswer: boolean;
  /** What the model is shown from here on in place of what came before, where a summary was made behind the message. */
  readonly summary?: string;
}

/** What the conversation shows, and what may be done at its end. */
export interface Transcript {
  readonly messages: readonly ShownMessage[];
  /** The user's message that the last answer answers. */
  readonly lastQuestion: string | null;
  readonly canRegenerate: boolean;
  /** The path does not end in a complete answer. */
  readonly canContinue: boolean;
}

/** The transcript of a view. Pure; rows of nodes that did not change compare equal field by field. */
export function transcriptOf(view: SessionView): Transcript {
  const { nodes } = view.window;
  const lastAnswer = nodes.findLast((node) => roleOf(node) === 'assistant');
  const lastQuestion = nodes.findLast((node) => roleOf(node) === 'user');
  const messages: ShownMessage[] = [];
  for (const [index, node] of nodes.entries()) {
    const summary = summaryIn(node);
    const before = messages.at(-1);
    if (summary !== undefined && before !== undefined) messages[messages.length - 1] = { ...before, summary };
    if (node.body.kind !== 'conversation') continue;
    const { message } = node.body;
    if (message.role === 'system') continue;
    const previous = messages.at(-1);
    const continues = message.role === 'assistant' && previous?.message.role === 'assistant';
    if (continues) messages[messages.length - 1] = { ...previous, continued: true };
    messages.push({
      node,
      message,
      toolCalls: message.role === 'assistant' ? toolCallsOf(message, nodes, index, view.turn) : [],
      branches: view.branches[node.id],
      continues,
      continued: false,
      lastAnswer: node === lastAnswer,
    });
  }
  const idle = view.turn === null;
  const last = messages.at(-1);
  if (!idle && last?.message.role === 'assistant')
    messages[messages.length - 1] = { ...last, continued: true };
  // Further up in a long conversation the newest messages are not at hand.
  const atRest = idle && view.window.start + nodes.length === view.head.depth;
  const answered =
    lastAnswer !== undefined &&
    lastQuestion !== undefined &&
    nodes.indexOf(lastAnswer) > nodes.indexOf(lastQuestion);
  return {
    messages,
    lastQuestion: lastQuestion?.id ?? null,
    canRegenerate: atRest && answered,
    canContinue: atRest && nodes.length > 0 && !endsComplete(nodes),
  };
}

/** The text of a summary that the plugin `rollingHistory` left. */
function summaryIn({ body }: SessionNode): string | undefined {
  if (body.kind !== 'plugin' || body.pluginType !== 'rolling-history.summary') return undefined;
  const { data } = body;
  const text = typeof data === 'object' && data !== null && 'text' in data ? data['text'] : undefined;
  return typeof text === 'string' ? text : undefined;
}

function roleOf(node: SessionNode): Message['role'] | undefined {
  return node.body.kind === 'conversation' ? node.body.message.role : undefined;
}

function endsComplete(nodes: readonly SessionNode[]): boolean {
  const last = nodes.findLast((node) => node.body.kind !== 'plugin');
  if (last?.body.kind !== 'conversation' || last.body.message.role !== 'assistant') return false;
  const { status, parts } = last.body.message;
  return (status ?? 'complete') === 'complete' && !parts.some((part) => part.type === 'tool-call');
}

function toolCallsOf(
  message: Message,
  nodes: readonly SessionNode[],
  index: number,
  turn: LiveTurn | null,
): readonly ShownToolCall[] {
  return message.parts.flatMap((part): ShownToolCall[] => {
    if (part.type !== 'tool-call') return [];
    const { callId, tool, args, overflow } = part;
    const call = { callId, tool, args, ...(overflow && { longArgs: overflow }) };
    const done = invocationOf(callId, nodes, index);
    if (done !== undefined) {
      return [{ ...call, outcome: done.outcome, durationMs: done.durationMs, abandoned: false }];
    }
    const live = turn?.toolCalls.find((running) => running.callId === callId);
    return [{ ...call, ...(live?.outcome && { outcome: live.outcome }), abandoned: turn === null }];
  });
}

/** The tool nodes of a message follow it directly. */
function invocationOf(callId: string, nodes: readonly SessionNode[], index: number) {
  for (let at = index + 1; at < nodes.length; at++) {
    const body = nodes[at]?.body;
    if (body?.kind === 'conversation') return undefined;
    if (body?.kind === 'tool' && body.invocation.callId === callId) return body.invocation;
  }
  return undefined;
}
