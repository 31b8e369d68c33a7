import type { CommitBudget, SessionStore } from '../../contract/store.ts';
import { isLashError } from '../../core/error.ts';
import { canonicalJson, type JsonValue, utf8Length } from '../../core/json.ts';
import type { NodeDraft } from '../../core/node.ts';
import { addToLedger, totalUsage, type UsageEntry } from '../../core/usage.ts';
import { importInvalid } from './import-error.ts';
import type { ImportedNode } from './node-record-reader.ts';

/** How many models a file may name, and how long their names may be: each is a row of the ledger. */
const MAX_MODELS = 256;
const MAX_MODEL_LENGTH = 256;
/** All ids are in memory; those that a store gives are shorter. */
const MAX_NODE_ID_LENGTH = 160;

/** Nodes that follow on one another and go into one commit. */
interface Batch {
  readonly line: number;
  /** The file's id of the parent of the first one. */
  readonly parentId: string | null;
  readonly nodes: ImportedNode[];
  bytes: number;
}

/** Writes the nodes of a file into a new session, under new ids, in as few commits as the budget allows (law ST13). */
export class ImportWriter {
  readonly #store: SessionStore;
  readonly #budget: CommitBudget;
  /** The new id by the file's own; `null` while the node waits to be committed. */
  readonly #ids = new Map<string, string | null>();
  #batch: Batch | undefined;
  #commits = 0;
  #ledger: readonly UsageEntry[] = [];

  constructor(store: SessionStore, budget: CommitBudget) {
    this.#store = store;
    this.#budget = budget;
  }

  /** How many nodes it was given. */
  get count(): number {
    return this.#ids.size;
  }

  /**
   * Takes the next node, and commits those before it if it does not fit behind them.
   *
   * @throws `ImportInvalid` for a parent that did not come before, an id that did or is too long, and tokens that add up to too many;
   *   `CommitBudgetExceeded` for a single node over the budget; a storage error
   */
  async add(node: ImportedNode, line: number): Promise<void> {
    const { id, parentId, draft } = node;
    if (id.length > MAX_NODE_ID_LENGTH) {
      throw importInvalid(line, `node_id is over ${MAX_NODE_ID_LENGTH} characters long`);
    }
    if (this.#ids.has(id)) throw importInvalid(line, 'node_id is the id of an earlier node');
    if (parentId !== null && !this.#ids.has(parentId)) {
      throw importInvalid(line, 'parent_node_id is not the id of an earlier node');
    }
    this.#count(draft, line);
    const bytes = utf8Length(canonicalJson(draft as unknown as JsonValue));
    const batch = this.#batch;
    if (batch !== undefined && this.#fits(batch, parentId, bytes)) {
      batch.nodes.push(node);
      batch.bytes += bytes;
    } else {
      await this.flush();
      this.#batch = { line, parentId, nodes: [node], bytes };
    }
    this.#ids.set(id, null);
  }

  /** Commits what waits. */
  async flush(): Promise<void> {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const nodeIds = await this.#commit(batch);
    for (const [index, { id, pinned }] of batch.nodes.entries()) {
      const nodeId = nodeIds[index];
      if (nodeId === undefined) continue;
      this.#ids.set(id, nodeId);
      if (pinned) await this.#store.pin(nodeId);
    }
  }

  /** The new id of a node that was committed; `undefined` if there is none. */
  idOf(id: string): string | undefined {
    return this.#ids.get(id) ?? undefined;
  }

  async #commit({ line, parentId, nodes }: Batch): Promise<readonly string[]> {
    const drafts = nodes.map(({ draft }) => draft);
    try {
      const receipt = await this.#store.commit({
        operationId: `import-${this.#commits + 1}`,
        expectedRevision: this.#commits,
        epoch: 0,
        change: {
          kind: 'append',
          parentId: parentId === null ? null : (this.idOf(parentId) ?? null),
          nodes: drafts,
        },
        usage: addToLedger([], drafts.flatMap(usageOf)),
      });
      this.#commits++;
      return receipt.nodeIds;
    } catch (error) {
      if (!isLashError(error, 'InvalidInput') && !isLashError(error, 'NotData')) throw error;
      throw importInvalid(line, `the nodes from here on cannot be stored: ${error.message}`, error);
    }
  }

  #fits({ nodes, bytes }: Batch, parentId: string | null, more: number): boolean {
    const { rows, bytes: maxBytes } = this.#budget;
    return nodes.at(-1)?.id === parentId && nodes.length < rows && bytes + more <= maxBytes;
  }

  /** Totals come from the nodes, so that a file cannot claim others (law SE2). */
  #count(draft: NodeDraft, line: number): void {
    const used = usageOf(draft);
    if (used.some(({ model }) => model.length > MAX_MODEL_LENGTH)) {
      throw importInvalid(line, `the name of the model is over ${MAX_MODEL_LENGTH} characters long`);
    }
    this.#ledger = addToLedger(this.#ledger, used);
    if (this.#ledger.length > MAX_MODELS)
      throw importInvalid(line, `the file names over ${MAX_MODELS} models`);
    if (!Object.values(totalUsage(this.#ledger)).every((sum) => Number.isSafeInteger(sum))) {
      throw importInvalid(line, 'the tokens add up to more than can be counted');
    }
  }
}

/** What the answer of a model took. */
function usageOf({ body }: NodeDraft): readonly UsageEntry[] {
  if (body.kind !== 'conversation' || body.usage === undefined) return [];
  return [{ source: 'turn', model: body.model ?? '', usage: body.usage }];
}
