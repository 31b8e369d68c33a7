import type { PluginHooks } from '../contract/plugin.ts';
import type { Part } from '../core/message.ts';
import type { SessionNode } from '../core/node.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { ToolOutcome } from '../core/tool-call.ts';
import type { HostStory } from './plugin-host-stage.ts';

/** The name of a hook. */
export type HookName = keyof PluginHooks<unknown>;

/** What a hook of a chain is given by the one before it, and what becomes of that. */
interface ChainLaw {
  /** Out of its arguments. */
  readonly given: (args: readonly unknown[]) => unknown;
  /** `given` with a tag in it; of names, without it. */
  readonly change: (given: unknown, tag: string) => unknown;
  /** What a hook returns to pass that on. */
  readonly answer?: (changed: unknown) => unknown;
  /** Where the tags can be seen in the end. */
  readonly seen: (story: HostStory) => unknown;
}

/** What the contract says of a hook. */
export interface HookLaw {
  /** How several plugins are asked (rule PL1); `listed` is not asked at all. */
  readonly kind: 'all' | 'chain' | 'first' | 'listed';
  /** What a failure of it is (rule PL3). */
  readonly failure: 'turn' | 'call' | 'warning' | 'trace' | 'refusal' | 'none';
  /** Whether it may wait, and for whom (rule PL2): `held` is one that somebody waits for. */
  readonly waits: 'held' | 'unheld' | 'never';
  /** Whether it is asked again when a model call is made again (rule PL4). */
  readonly ofModelCall?: true;
  /** Whether it may change the state (rule PS2). */
  readonly ofTurn?: true;
  /** What it must not return; of one that is not asked, what it must not be. */
  readonly wrong: readonly unknown[];
  readonly chain?: ChainLaw;
}

const NO_ABORT = [null, {}, { abort: 1 }, { abort: 'x', more: () => 1 }, 'no', true];
const NO_NODE = { id: 'x', createdAt: 0, parentId: null };
/** A user's message of this part. */
const saying = (part: unknown): unknown => ({
  ...NO_NODE,
  body: { kind: 'conversation', message: { role: 'user', parts: [part] } },
});
const NO_REF = { id: 'x', mime: 'image/png' };
const NO_DATA = { kind: 'answer', value: () => 1 };

const taggedText = (node: SessionNode, tag: string): SessionNode => {
  if (node.body.kind !== 'conversation') return node;
  const { message } = node.body;
  const parts: readonly Part[] = [...message.parts, { type: 'text', text: tag }];
  return { ...node, body: { ...node.body, message: { ...message, parts } } };
};

const inOptions = ({ provider, ...policy }: SessionPolicy, tag: string): SessionPolicy => ({
  ...policy,
  provider: { ...provider, options: { ...provider.options, [tag]: true } },
});

/** What the contract says, hook by hook: one that is missing here does not compile. */
export const HOOK_LAWS: { readonly [Hook in keyof Required<PluginHooks<unknown>>]: HookLaw } = {
  tools: {
    kind: 'listed',
    failure: 'none',
    waits: 'never',
    wrong: [null, 'abc', {}, [null], [{ name: 'x' }]],
  },
  backgroundTasks: {
    kind: 'listed',
    failure: 'none',
    waits: 'never',
    wrong: [null, 5, {}, [null], [{ name: 'x' }]],
  },
  prepareTools: {
    kind: 'all',
    failure: 'turn',
    waits: 'held',
    ofModelCall: true,
    ofTurn: true,
    wrong: [],
  },
  actions: {
    kind: 'listed',
    failure: 'none',
    waits: 'never',
    wrong: [null, 5, [], { x: null }, { x: { run: 1 } }],
  },
  prompt: {
    kind: 'all',
    failure: 'turn',
    waits: 'held',
    ofModelCall: true,
    ofTurn: true,
    wrong: [
      null,
      'text',
      {},
      [1],
      [{ slot: 'nowhere', content: 'x' }],
      [{ slot: 'guidance', content: 1 }],
      [{ slot: 'guidance', content: 'x', title: 5 }],
      [{ slot: 'guidance', content: 'x', priority: 'first' }],
      [{ slot: 'guidance', content: 'x', gate: {} }],
    ],
  },
  availableTools: {
    kind: 'chain',
    failure: 'turn',
    waits: 'held',
    ofModelCall: true,
    ofTurn: true,
    wrong: [null, 'echo', {}, 1, [1]],
    chain: {
      given: ([names]) => names,
      change: (given, tag) => (given as readonly string[]).filter((name) => name !== tag),
      seen: ({ requests }) => requests[0]?.tools.map(({ name }) => name),
    },
  },
  beforeTurn: { kind: 'first', failure: 'turn', waits: 'held', ofTurn: true, wrong: NO_ABORT },
  beforeStep: {
    kind: 'first',
    failure: 'turn',
    waits: 'held',
    ofModelCall: true,
    ofTurn: true,
    wrong: NO_ABORT,
  },
  viewContext: {
    kind: 'chain',
    failure: 'turn',
    waits: 'held',
    ofModelCall: true,
    ofTurn: true,
    wrong: [
      null,
      'x',
      {},
      [1],
      [{ id: 'x' }],
      [{ id: 'x', body: { kind: 'conversation' } }],
      [saying({ type: 'text', text: 'x', overflow: {} })],
      [saying({ type: 'text', text: 'x', replay: 1 })],
      [saying({ type: 'image', attachment: NO_REF })],
      [{ ...NO_NODE, body: { kind: 'tool', invocation: { callId: 'x', tool: 'echo', args: {} } } }],
    ],
    chain: {
      given: ([nodes]) => nodes,
      change: (given, tag) => (given as readonly SessionNode[]).map((node) => taggedText(node, tag)),
      seen: ({ requests }) => requests[0]?.messages,
    },
  },
  transformText: {
    kind: 'chain',
    failure: 'turn',
    waits: 'never',
    ofTurn: true,
    wrong: [null, 1, {}, ['x']],
    chain: {
      given: ([text]) => text,
      change: (given, tag) => `${String(given)} ${tag} `,
      seen: ({ events }) => events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : [])),
    },
  },
  transformAnswer: {
    kind: 'chain',
    failure: 'turn',
    waits: 'held',
    ofTurn: true,
    wrong: [
      null,
      'x',
      {},
      [1],
      [{ type: 'text' }],
      [{ type: 'nothing', text: 'x' }],
      [{ type: 'text', text: 'x', overflow: { id: 1 } }],
      [{ type: 'text', text: 'x', overflow: NO_REF }],
      [{ type: 'tool-call', callId: 'made-up', tool: 'echo', args: {} }],
    ],
    chain: {
      given: ([answer]) => (answer as { readonly parts: readonly Part[] }).parts,
      change: (given, tag) => [{ type: 'text', text: tag }, ...(given as readonly Part[])],
      seen: ({ view }) => view.window.nodes,
    },
  },
  afterStep: { kind: 'all', failure: 'turn', waits: 'held', ofTurn: true, wrong: [] },
  beforeToolCall: {
    kind: 'chain',
    failure: 'call',
    waits: 'held',
    ofTurn: true,
    wrong: [null, 'x', {}, { kind: 'perhaps' }, { kind: 'deny' }, { kind: 'args', args: undefined }, NO_DATA],
    chain: {
      given: ([call]) => (call as { readonly args: object }).args,
      change: (given, tag) => ({ ...(given as object), [tag]: true }),
      answer: (args) => ({ kind: 'args', args }),
      seen: ({ ran }) => ran[0],
    },
  },
  afterToolCall: {
    kind: 'chain',
    failure: 'call',
    waits: 'held',
    ofTurn: true,
    wrong: [
      null,
      'x',
      {},
      { status: 'perhaps' },
      { status: 'success', value: undefined },
      { status: 'success', value: 1n },
      { status: 'success', value: 1, attachments: [NO_REF] },
      { status: 'failure', message: 'x' },
    ],
    chain: {
      given: ([, outcome]) => outcome,
      change: (given, tag) => {
        const outcome = given as ToolOutcome;
        return outcome.status === 'success' ? { ...outcome, value: [outcome.value, tag] } : outcome;
      },
      seen: ({ outcomes }) => outcomes[0],
    },
  },
  afterTurn: {
    kind: 'all',
    failure: 'warning',
    waits: 'held',
    ofTurn: true,
    wrong: ['x', {}, [1], [{ pluginType: 'x', data: undefined }], [{ pluginType: 'x', data: () => 1 }]],
  },
  onEvent: { kind: 'all', failure: 'trace', waits: 'unheld', wrong: [] },
  changePolicy: {
    kind: 'chain',
    failure: 'refusal',
    waits: 'held',
    wrong: [
      null,
      'x',
      {},
      { provider: null },
      { provider: 1 },
      { provider: { id: 'x' } },
      { provider: { id: '', model: 'm' } },
      { provider: { id: 'x', model: 'm' }, maxSteps: 0 },
      { provider: { id: 'x', model: 'm' }, tools: 'all' },
    ],
    chain: {
      given: ([policy]) => policy,
      change: (given, tag) => inOptions(given as SessionPolicy, tag),
      seen: ({ policy }) => policy,
    },
  },
  dispose: { kind: 'all', failure: 'trace', waits: 'never', wrong: [] },
};

/** The hooks that are asked, with what the contract says of each. */
export const ASKED_HOOKS: readonly (readonly [HookName, HookLaw])[] = (
  Object.entries(HOOK_LAWS) as readonly [HookName, HookLaw][]
).filter(([, { kind }]) => kind !== 'listed');
