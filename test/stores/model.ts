import * as fc from 'fast-check';

import type {
  CommitRequest,
  GraphChange,
  SessionStore,
  SessionStoreFactory,
} from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { addToLedger, type UsageEntry } from '../../src/core/usage.ts';
import { equal } from '../../src/testing/assert.ts';
import { createMode, says, textOf, used } from '../../src/testing/author.ts';

/** A step of a program. Numbers choose among what there is at that time, so that any program makes sense. */
export type Step =
  | { readonly do: 'append'; readonly below: number; readonly count: number; readonly require: number }
  | { readonly do: 'say'; readonly count: number }
  | { readonly do: 'branch'; readonly to: number }
  | { readonly do: 'unchanged' }
  | { readonly do: 'again'; readonly which: number; readonly changed: boolean }
  | { readonly do: 'stale'; readonly by: number }
  | { readonly do: 'lease'; readonly adopt: boolean }
  | { readonly do: 'page'; readonly leaf: number; readonly before: number; readonly limit: number }
  | { readonly do: 'siblings'; readonly of: number }
  | { readonly do: 'reopen' };

const small = fc.nat(1000);

/** Programs that go on from the leaf most of the time, as conversations do. */
export const programs: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('say' as const), count: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('append' as const),
        below: small,
        count: fc.integer({ min: 1, max: 4 }),
        require: small,
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('branch' as const), to: small }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('unchanged' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('again' as const), which: small, changed: fc.boolean() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('stale' as const), by: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lease' as const), adopt: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('page' as const),
        leaf: small,
        before: fc.nat(30),
        limit: fc.integer({ min: 1, max: 9 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('siblings' as const), of: small }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  ),
  { minLength: 1, maxLength: 40 },
);

interface ModelNode {
  readonly id: string;
  readonly parentId: string | null;
  readonly text: string;
}

/** The obvious session: a list of nodes in the order in which they were written, and every request that was applied. */
class Model {
  readonly nodes: ModelNode[] = [];
  readonly done: CommitRequest[] = [];
  leaf: string | null = null;
  revision = 0;
  epoch = 0;
  ledger: readonly UsageEntry[] = [];

  path(leaf: string | null): readonly ModelNode[] {
    const node = this.nodes.find((one) => one.id === leaf);
    return node === undefined ? [] : [...this.path(node.parentId), node];
  }

  /** The code with which a commit must be refused, or `undefined`. */
  verdict(request: CommitRequest): string | undefined {
    const { operationId, change, epoch, expectedRevision } = request;
    const done = this.done.find((one) => one.operationId === operationId);
    if (done !== undefined) {
      const content = (one: CommitRequest): string => JSON.stringify([one.change, one.usage]);
      return content(done) === content(request) ? 'replay' : 'OperationConflict';
    }
    if (epoch !== this.epoch) return 'WriterFenced';
    const target = change.kind === 'append' ? change.parentId : change.kind === 'branch' ? change.leaf : null;
    if (target !== null && !this.nodes.some((node) => node.id === target)) return 'NodeNotFound';
    const required = change.kind === 'append' ? change.requires : undefined;
    if (required !== undefined && !this.path(this.leaf).some((node) => node.id === required))
      return 'StaleBranch';
    return expectedRevision === this.revision ? undefined : 'HeadRevisionConflict';
  }

  apply(request: CommitRequest): void {
    const { operationId, change, usage } = request;
    this.done.push(request);
    this.revision++;
    this.ledger = addToLedger(this.ledger, usage);
    if (change.kind === 'branch') this.leaf = change.leaf;
    if (change.kind !== 'append') return;
    this.leaf = change.parentId;
    for (const [ordinal, draft] of change.nodes.entries()) {
      const id = `${operationId}.${ordinal}`;
      this.nodes.push({ id, parentId: this.leaf, text: textOf({ ...draft, id, parentId: null }) });
      this.leaf = id;
    }
  }

  isBelow(node: ModelNode, ancestor: string): boolean {
    return this.path(node.id).some((one) => one.id === ancestor);
  }

  siblings(nodeId: string): readonly unknown[] {
    const parentId = this.nodes.find((node) => node.id === nodeId)?.parentId ?? null;
    const all = this.nodes.filter((node) => node.parentId === parentId);
    if (all.length < 2) return [];
    const tipOf = (id: string): string | undefined =>
      this.nodes.findLast((node) => this.isBelow(node, id))?.id;
    return [{ nodeId, siblings: all.map(({ id }) => ({ nodeId: id, tip: tipOf(id) })) }];
  }
}

/** Runs a program on a store and on the model, and compares what both answer after every step. */
export async function runProgram(
  program: readonly Step[],
  factory: SessionStoreFactory,
  reopen: () => Promise<SessionStoreFactory>,
): Promise<void> {
  const model = new Model();
  let store = await factory.open('session', createMode());
  let epoch = 0;
  for (const [index, step] of program.entries()) {
    const operationId = `op-${index}`;
    const pick = (number: number): string | null => {
      const at = number % (model.nodes.length + 1);
      return model.nodes[at]?.id ?? null;
    };
    const request = (change: GraphChange, fields: Partial<CommitRequest> = {}): CommitRequest => {
      return {
        operationId,
        expectedRevision: model.revision,
        epoch,
        change,
        usage: [used(index)],
        ...fields,
      };
    };
    const drafts = (count: number): GraphChange & { kind: 'append' } => {
      const nodes = Array.from({ length: count }, (_, ordinal) => says(`${index}/${ordinal}`));
      return { kind: 'append', parentId: model.leaf, nodes };
    };
    switch (step.do) {
      case 'say':
        await commit(store, model, request(drafts(step.count)));
        break;
      case 'append': {
        const requires = pick(step.require);
        const change = { ...drafts(step.count), parentId: pick(step.below) };
        await commit(
          store,
          model,
          request(step.require % 3 === 0 && requires !== null ? { ...change, requires } : change),
        );
        break;
      }
      case 'branch':
        await commit(store, model, request({ kind: 'branch', leaf: pick(step.to) }));
        break;
      case 'unchanged':
        await commit(store, model, request({ kind: 'unchanged' }));
        break;
      case 'again': {
        const done = model.done[step.which % Math.max(1, model.done.length)];
        if (done !== undefined)
          await commit(store, model, step.changed ? { ...done, usage: [used(5000)] } : done);
        break;
      }
      case 'stale':
        await commit(
          store,
          model,
          request(drafts(1), { expectedRevision: Math.max(0, model.revision - step.by) }),
        );
        break;
      case 'lease':
        model.epoch = await store.takeLease();
        if (step.adopt) epoch = model.epoch;
        break;
      case 'page': {
        const { before, limit } = step;
        const leaf = pick(step.leaf);
        const path = model.path(leaf).slice(0, before);
        const page = await store.load({ kind: 'path', leaf, before, limit });
        equal(
          page.nodes.map(textOf),
          path.slice(-limit).map((node) => node.text),
          'a page',
        );
        equal(page.start, Math.max(0, path.length - limit));
        break;
      }
      case 'siblings': {
        const nodeId = pick(step.of);
        if (nodeId !== null) equal(await store.siblings([nodeId]), model.siblings(nodeId), 'siblings');
        break;
      }
      case 'reopen':
        store = await (await reopen()).open('session', { kind: 'open' });
        break;
    }
    await compare(store, model);
  }
}

async function commit(store: SessionStore, model: Model, request: CommitRequest): Promise<void> {
  const verdict = model.verdict(request);
  const [outcome] = await Promise.allSettled([store.commit(request)]);
  if (outcome.status === 'fulfilled') {
    equal(outcome.value.replayed ? 'replay' : undefined, verdict, 'the commit was applied');
    if (!outcome.value.replayed) model.apply(request);
    equal([outcome.value.head.leaf, outcome.value.head.revision], [model.leaf, model.revision]);
  } else {
    equal(
      isLashError(outcome.reason) ? outcome.reason.code : String(outcome.reason),
      verdict,
      'the commit was refused',
    );
  }
}

async function compare(store: SessionStore, model: Model): Promise<void> {
  const { head, epoch, ledger, nodes, start } = await store.load({ kind: 'path' });
  const expected = [model.revision, model.leaf, model.nodes.length, model.epoch, model.ledger, 0];
  equal([head.revision, head.leaf, head.nodeCount, epoch, ledger, start], expected, 'the head');
  const shown = nodes.map((node) => ({ id: node.id, parentId: node.parentId, text: textOf(node) }));
  equal(shown, model.path(model.leaf), 'the path');
  const all = await store.load({ kind: 'all' });
  equal(
    all.nodes.map((node) => node.id).toSorted(),
    model.nodes.map((node) => node.id).toSorted(),
    'all nodes',
  );
}
