import type { SessionStore, CommitReceipt, CommitRequest, GraphChange } from '../../src/contract/store.ts';
import type { AttachmentRef } from '../../src/core/attachment.ts';
import { isLashError } from '../../src/core/error.ts';
import type { NodeDraft, SessionNode } from '../../src/core/node.ts';
import type { SessionParent } from '../../src/core/session-parent.ts';
import { equal, ok } from '../../src/testing/assert.ts';
import { createMode, used } from '../../src/testing/author.ts';
import { ModelDatabase } from './model-database.ts';
import { type ModelComponents, type ModelNode, ModelSession } from './model-session.ts';
import type { ModelWorld, Tab } from './model-world.ts';
import { Seeded } from './seeded.ts';

/** A handle of a session in one tab, and what its writer believes. `parked`: it was closed, and this is what it left. */
export interface Seat {
  readonly tab: Tab;
  store: SessionStore | undefined;
  epoch: number;
  revision: number;
  parked: { readonly revision: number; readonly leaf: string | null } | undefined;
}

/** An open seat. */
export interface OpenSeat extends Seat {
  store: SessionStore;
}

/** A session with a seat in either tab. */
export interface Play {
  readonly session: ModelSession;
  readonly seats: readonly [Seat, Seat];
  /** Operations that vacuum forgot: their ids are free. */
  readonly freed: string[];
}

/** How often what was generated. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** One database under a program: the store, the model, and what drives both. */
export class ModelRun {
  readonly world: ModelWorld;
  readonly seed: number;
  readonly random: Seeded;
  readonly tally: Tally;
  readonly model = new ModelDatabase();
  readonly plays: Play[] = [];
  readonly log: string[] = [];
  readonly refs = new Map<number, AttachmentRef>();
  readonly componentIds = new Map<string, string>();
  /** Whether the step found nothing to do. */
  skipped = false;
  #ids = 0;

  constructor(world: ModelWorld, seed: number, tally: Tally) {
    this.world = world;
    this.seed = seed;
    this.random = new Seeded(seed);
    this.tally = tally;
  }

  get now(): number {
    return this.world.clock.now();
  }

  newId(prefix: string): string {
    this.#ids++;
    return `${prefix}${this.#ids}`;
  }

  /** Says that a step finds nothing to do. */
  skip(): void {
    this.skipped = true;
  }

  /** Notes what a step does, for who reads of its failure. */
  note(text: string): void {
    this.log.push(text);
  }

  /** Whose child a new session is: two of three are, of a session that is there now and may go. */
  parent(): SessionParent | undefined {
    const sessionId = [...this.model.sessions.keys()][this.#ids % 5];
    const relation = ([undefined, 'child', 'handoff'] as const)[this.#ids % 3];
    if (sessionId === undefined || relation === undefined) return undefined;
    return { sessionId, relation, source: 'model', depth: 1 };
  }

  /** Creates a session, with a handle in either tab. */
  async create(): Promise<Play> {
    const sessionId = this.newId('s');
    const [first, second] = this.world.tabs;
    const parent = this.parent();
    const mode = { ...createMode(sessionId, this.now), ...(parent && { parent }) };
    const store = await first.factory.open(sessionId, mode);
    const other = await second.factory.open(sessionId, { kind: 'open' });
    const session = new ModelSession(sessionId, sessionId, this.now, parent);
    this.model.sessions.set(sessionId, session);
    return this.join(session, store, other);
  }

  join(session: ModelSession, store: SessionStore, other: SessionStore): Play {
    const [first, second] = this.world.tabs;
    const seat = (tab: Tab, handle: SessionStore): Seat => {
      return { tab, store: handle, epoch: session.epoch, revision: session.revision, parked: undefined };
    };
    const play = { session, seats: [seat(first, store), seat(second, other)] as const, freed: [] };
    this.plays.push(play);
    return play;
  }

  /** One of the open seats, the first one mostly. */
  seatOf({ seats }: Play): OpenSeat | undefined {
    const order: readonly Seat[] = this.random.percent(80) ? seats : seats.toReversed();
    return order.find(isOpen);
  }

  /** A node's id: mostly of a live one, sometimes of one that is dead, gone, or was never there. */
  nodeOf({ session }: Play): string {
    if (this.random.percent(4)) return 'nobody.0';
    const nodes = [...session.nodes.keys()];
    const at = this.random.percent(50)
      ? nodes.length - 1 - this.random.below(12)
      : this.random.below(nodes.length);
    return nodes[at] ?? 'nobody.0';
  }

  /** The id of a live node that has been there for a while or not. */
  liveNodeOf({ session }: Play): string | undefined {
    const live = session.live();
    const near = live[live.length - 1 - this.random.below(10)];
    return (this.random.percent(60) ? near : undefined)?.id ?? this.random.pick(live)?.id;
  }

  drafts(count: number, files: readonly AttachmentRef[] = []): readonly NodeDraft[] {
    return Array.from({ length: count }, (_, index) => {
      const text = `${this.newId('text ')} \u00e9\ud83d\ude00`.repeat(1 + this.random.below(3));
      if (files.length === 0 && this.random.percent(10)) {
        return { createdAt: this.now, body: { kind: 'plugin', pluginType: 'p', data: { text, index } } };
      }
      const shown = files.map((attachment) => ({ type: 'file' as const, attachment }));
      const parts = [{ type: 'text' as const, text }, ...(index === 0 ? shown : [])];
      return { createdAt: this.now, body: { kind: 'conversation', message: { role: 'user', parts } } };
    });
  }

  request(seat: Seat, change: GraphChange, fields: Partial<CommitRequest> = {}): CommitRequest {
    const { epoch, revision } = seat;
    const usage = this.random.percent(40)
      ? [used(this.random.below(100), 'turn', `m${this.random.below(3)}`)]
      : [];
    return { operationId: this.newId('o'), expectedRevision: revision, epoch, change, usage, ...fields };
  }

  /** Commits, and compares what comes of it with what must. `components` is what the checkpoint names. */
  async commit(
    play: Play,
    seat: OpenSeat,
    request: CommitRequest,
    components?: ModelComponents | 'unknown',
  ): Promise<string> {
    const { session } = play;
    const verdict = this.model.verdict(session, request, components);
    this.note(`commit ${request.operationId} in ${session.sessionId}: ${request.change.kind}, ${verdict}`);
    const outcome = await settle(seat.store.commit(request));
    equal(verdictOf(outcome), verdict, 'what a commit came to');
    if (verdict === 'applied' && components !== 'unknown') this.model.apply(session, request, components);
    if ('value' in outcome) this.checkReceipt(session, outcome.value);
    if ('value' in outcome) seat.revision = session.revision;
    this.tally.add(`commit: ${verdict}`);
    return verdict;
  }

  checkReceipt(session: ModelSession, receipt: CommitReceipt): void {
    const done = session.operations.get(receipt.operationId);
    const { revision, nodeIds, leaf, head, ledger } = receipt;
    equal([revision, nodeIds, leaf], [done?.revision, done?.nodeIds, done?.leaf], 'a receipt');
    equal([head, ledger], [headOf(session), session.ledger], 'the head in a receipt');
  }

  /** Brings a seat's writer up to date, as a runtime does. */
  async refresh({ session }: Play, seat: OpenSeat): Promise<void> {
    const { head, epoch } = await seat.store.load({ kind: 'head' });
    equal([head, epoch], [headOf(session), session.epoch], 'the head');
    seat.revision = head.revision;
    seat.epoch = epoch;
  }

  /** The bytes with this number, put by a session or by nobody. */
  async put(number: number, owner: string | undefined): Promise<AttachmentRef> {
    const { attachments } = this.random.percent(50) ? this.world.tabs[0] : this.world.tabs[1];
    const bytes = new TextEncoder().encode('x'.repeat(number === 9 ? 300_000 : number * 7));
    const ref = await attachments.put(
      bytes,
      { mime: 'text/plain' },
      owner === undefined ? undefined : { sessionId: owner },
    );
    const known = this.refs.get(number);
    equal(ref, known ?? { ...ref, mime: 'text/plain', byteLength: bytes.byteLength }, 'a reference');
    this.refs.set(number, ref);
    this.model.put(ref.id, ref.byteLength, this.now, owner);
    return ref;
  }

  checkCheckpoint(session: ModelSession, leaf: string | null, got: unknown): void {
    const expected = session.checkpointAt(leaf);
    const found = got as { nodeId: string; components: Record<string, StoredText> } | null;
    const components = Object.entries(found?.components ?? {}).map(([name, { id, version, body }]) => {
      const text = JSON.stringify([version, body]);
      equal(id, this.componentIds.get(text) ?? id, 'the id of a component');
      this.componentIds.set(text, id);
      return [name, text] as const;
    });
    equal(
      found && { nodeId: found.nodeId, components: Object.fromEntries(components) },
      expected,
      'a checkpoint',
    );
  }

  /** The head, by any open handle. */
  async checkHead(play: Play): Promise<void> {
    const seat = play.seats[this.random.below(2)] ?? play.seats[0];
    if (seat.store === undefined) return;
    const { head, epoch, ledger } = await seat.store.load({ kind: 'head' });
    const { session } = play;
    equal([head, epoch, ledger], [headOf(session), session.epoch, session.ledger], 'the head');
  }
}

interface StoredText {
  readonly id: string;
  readonly version: number;
  readonly body: unknown;
}

/** Whether a seat has a handle. */
export function isOpen(seat: Seat): seat is OpenSeat {
  return seat.store !== undefined;
}

/** The head that a store must show. */
export function headOf(session: ModelSession): unknown {
  const { revision, leaf, ledger, nodes } = session;
  const sum = (field: 'inputTokens' | 'outputTokens' | 'cachedInputTokens' | 'reasoningTokens'): number =>
    ledger.reduce((total, { usage }) => total + usage[field], 0);
  let nodeCount = 0;
  for (const { dead } of nodes.values()) nodeCount += dead ? 0 : 1;
  return {
    revision,
    leaf,
    usage: {
      inputTokens: sum('inputTokens'),
      outputTokens: sum('outputTokens'),
      cachedInputTokens: sum('cachedInputTokens'),
      reasoningTokens: sum('reasoningTokens'),
    },
    depth: session.depth(),
    nodeCount,
    bytes: session.bytes(),
  };
}

/** Nodes are what was written, in this order. */
export function checkNodes(got: readonly SessionNode[], expected: readonly ModelNode[], what: string): void {
  equal(
    got.map(({ id }) => id),
    expected.map(({ id }) => id),
    what,
  );
  for (const [at, { id, parentId, createdAt, body }] of got.entries()) {
    const node = expected[at];
    const same =
      node?.parentId === parentId && node.createdAt === createdAt && node.body === JSON.stringify(body);
    ok(same, `${what}: ${id} is not what was written`);
  }
}

/** What a promise came to. */
export async function settle<Value>(
  promise: Promise<Value>,
): Promise<{ readonly value: Value } | { readonly error: unknown }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

/** A commit's outcome in one word. */
export function verdictOf(outcome: { readonly value: CommitReceipt } | { readonly error: unknown }): string {
  if ('value' in outcome) return outcome.value.replayed ? 'replay' : 'applied';
  if (isLashError(outcome.error)) return outcome.error.code;
  throw outcome.error;
}
