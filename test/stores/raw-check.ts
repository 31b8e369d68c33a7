import type { Rows, StoreName } from '../../src/stores/indexeddb/rows/schema.ts';
import { openRaw } from './raw-database.ts';

type AllRows = { readonly [Name in StoreName]: readonly Rows[Name][] };
type LiveHead = Extract<Rows['heads'], { readonly kind: 'live' }>;

const CHUNK_BYTES = 256 * 1024;

/** All rows of a database, in one snapshot, through a connection of its own. */
export async function readRows(name: string): Promise<AllRows> {
  const raw = await openRaw(name);
  try {
    const names = [...raw.objectStoreNames];
    const transaction = raw.transaction(names);
    const read = (store: string): Promise<[string, unknown]> =>
      new Promise((resolve, reject) => {
        const request = transaction.objectStore(store).getAll();
        request.addEventListener('success', () => resolve([store, request.result]));
        request.addEventListener('error', () => reject(request.error ?? new Error('not read')));
      });
    return Object.fromEntries(await Promise.all(names.map(read))) as unknown as AllRows;
  } finally {
    raw.close();
  }
}

/**
 * What is wrong with the rows of a database, by what they must be to each other and by nothing that reads them for a
 * living. `settled`: nothing is under way, so that no row may be left of what was deleted or interrupted.
 */
export async function findFaults(name: string, settled: boolean): Promise<readonly string[]> {
  const rows = await readRows(name);
  const faults: string[] = [];
  const fault = (text: string): void => void faults.push(text);
  const sessions = new Set(rows.heads.map(({ sessionId }) => sessionId));
  for (const head of rows.heads) {
    if (head.kind === 'live') checkSession(ofSession(rows, head.sessionId), head, fault);
    else checkDeleted(ofSession(rows, head.sessionId), head, fault, settled);
    if (settled && head.pending !== undefined) fault(`${head.sessionId} is pending`);
  }
  for (const store of BOUND) {
    for (const { sessionId } of rows[store]) {
      if (!sessions.has(sessionId)) fault(`${store} has a row of the unknown session ${sessionId}`);
    }
  }
  checkAttachments(rows, fault, settled);
  return faults;
}

const BOUND = [
  ...(['meta', 'chains', 'segments', 'receipts', 'tombs', 'pins'] as const),
  ...(['checkpoints', 'components', 'references', 'intents'] as const),
  ...(['turns', 'journal', 'signals', 'tasks'] as const),
];

function ofSession(rows: AllRows, sessionId: string): AllRows {
  const mine = Object.fromEntries(
    BOUND.map((store) => [store, rows[store].filter((row) => row.sessionId === sessionId)]),
  );
  return { ...rows, ...mine };
}

function checkDeleted(
  rows: AllRows,
  { sessionId, pending }: Rows['heads'],
  fault: (text: string) => void,
  settled: boolean,
): void {
  if (rows.meta.length > 0) fault(`${sessionId} is deleted and has meta`);
  if (pending !== undefined && !settled) return;
  for (const store of BOUND) {
    if (rows[store].length > 0) fault(`${sessionId} is deleted and has ${rows[store].length} ${store}`);
  }
}

function checkSession(rows: AllRows, head: LiveHead, fault: (text: string) => void): void {
  const { sessionId } = head;
  const say = (text: string): void => fault(`${sessionId}: ${text}`);
  if (rows.meta.length !== 1) say('it has no meta');
  const { parent } = rows.meta[0] ?? {};
  if (head.parentId !== parent?.sessionId) say('it is listed among the children of somebody else');
  if ((head.ordinary === 1) !== (parent?.relation !== 'child')) say('it is not listed as what it is');
  const places = new Map<string, string>();
  const at = new Map<string, string>();
  const ends = new Map<number, number>();
  const deadFrom = new Map(rows.tombs.map(({ chain, from }) => [chain, from]));
  const forks = new Map(rows.chains.map((row) => [row.chain, row]));
  let live = 0;
  let bytes = 0;
  const chains = Map.groupBy(rows.segments, ({ chain }) => chain);
  for (const [chain, segments] of chains) {
    const fork = forks.get(chain);
    if (chain > 0 && fork === undefined) say(`chain ${chain} has no row`);
    let next = fork === undefined ? 0 : fork.forkSeq + 1;
    for (const { firstSeq, count, operationId, nodes } of segments) {
      const drafts = JSON.parse(nodes) as readonly unknown[];
      if (firstSeq !== next) say(`chain ${chain} has a gap before ${operationId}`);
      if (drafts.length !== count || count === 0) say(`${operationId} holds another number of nodes`);
      for (let ordinal = 0; ordinal < count; ordinal++) {
        places.set(`${operationId}.${ordinal}`, `${chain}:${firstSeq + ordinal}`);
        at.set(`${chain}:${firstSeq + ordinal}`, `${operationId}.${ordinal}`);
      }
      live += Math.max(0, Math.min(count, (deadFrom.get(chain) ?? Infinity) - firstSeq));
      bytes += drafts.reduce((sum: number, draft) => sum + sizeOf(draft), 0);
      next = firstSeq + count;
    }
    ends.set(chain, next);
  }
  if (live !== head.nodeCount) say(`it counts ${head.nodeCount} nodes and ${live} live`);
  if (bytes !== head.bytes) say(`it counts ${head.bytes} bytes and has ${bytes}`);
  const isLive = (chain: number, seq: number): boolean =>
    at.has(`${chain}:${seq}`) && seq < (deadFrom.get(chain) ?? Infinity);
  for (const { chain, parentChain, forkSeq } of rows.chains) {
    if (!chains.has(chain)) say(`chain ${chain} is empty`);
    if (parentChain === -1) continue;
    if (parentChain >= chain) say(`chain ${chain} forks from a later one`);
    if (!at.has(`${parentChain}:${forkSeq}`)) say(`chain ${chain} hangs in the air`);
    const dead = (deadFrom.get(chain) ?? Infinity) <= forkSeq + 1;
    if (!dead && !isLive(parentChain, forkSeq)) say(`chain ${chain} lives below a dead node`);
  }
  for (const { chain, firstSeq, operationId, parentId } of rows.segments) {
    const fork = forks.get(chain);
    const above =
      fork !== undefined && firstSeq === fork.forkSeq + 1
        ? `${fork.parentChain}:${fork.forkSeq}`
        : `${chain}:${firstSeq - 1}`;
    if ((at.get(above) ?? null) !== parentId) say(`${operationId} names another parent`);
  }
  for (const { chain, from } of rows.tombs) {
    if (from >= (ends.get(chain) ?? 0)) say(`the tombstone of chain ${chain} covers nothing`);
  }
  if (head.leaf !== null) {
    const { chain, seq } = head.place ?? { chain: -1, seq: -1 };
    if (at.get(`${chain}:${seq}`) !== head.leaf || !isLive(chain, seq)) say('its leaf is not live');
    if (head.atTip && ends.get(chain) !== seq + 1) say('its leaf is not the last of its chain');
  }
  if (Math.max(-1, ...chains.keys()) >= head.chains) say('it counts too few chains');
  for (const { nodeId, place } of rows.pins) {
    const here = at.get(`${place.chain}:${place.seq}`) === nodeId;
    if (!here || !isLive(place.chain, place.seq)) say(`the pinned ${nodeId} is not live`);
  }
  const components = new Set(rows.components.map(({ id }) => id));
  for (const [index, row] of rows.checkpoints.entries()) {
    const next = rows.checkpoints[index + 1];
    const isReplaced = next?.chain === row.chain && next.seq === row.seq;
    if (at.get(`${row.chain}:${row.seq}`) !== row.nodeId) say(`the checkpoint of ${row.nodeId} is elsewhere`);
    const missing = Object.values(row.components).find((id) => !components.has(id));
    if (missing !== undefined && !isReplaced) say(`the checkpoint of ${row.nodeId} lacks ${missing}`);
  }
  checkReceipts(rows, head, places, say);
  checkTurns(rows, say);
}

/** At most one turn has begun, what is queued has a place of its own, and what ended has left nothing behind. */
function checkTurns({ turns, journal, signals }: AllRows, say: (text: string) => void): void {
  const pending = turns.filter((turn) => turn.status !== 'ended');
  const places = pending.map((turn) => turn.place);
  if (new Set(places).size !== places.length) say('two turns have one place');
  if (turns.some((turn) => turn.status === 'ended' && 'place' in turn)) say('a turn that ended has a place');
  const running = pending.find(({ status }) => status === 'running');
  if (running !== undefined && running.place !== 0) say('the turn that has begun is not the first');
  if (pending.some(({ status, place }) => status === 'queued' && place <= 0))
    say('a queued turn has no place');
  const isWhole = journal.every(({ turnId, seq }, at) => turnId === running?.turnId && seq === at);
  if (!isWhole || (journal.length === 0) !== (running === undefined)) say('a journal is not whole');
  const ids = new Set(pending.map(({ turnId }) => turnId));
  for (const { turnId } of signals) if (!ids.has(turnId)) say(`${turnId} has ended, and has a signal`);
}

function checkReceipts(
  rows: AllRows,
  head: LiveHead,
  places: ReadonlyMap<string, string>,
  say: (text: string) => void,
): void {
  const receipts = new Map(rows.receipts.map((row) => [row.operationId, row]));
  for (const { operationId, chain, firstSeq, count, revision } of rows.receipts) {
    if (revision > head.revision) say(`${operationId} is from the future`);
    if (count > 0 && places.get(`${operationId}.0`) !== `${chain}:${firstSeq}`) {
      say(`the nodes of ${operationId} are not where its receipt says`);
    }
  }
  if (new Set(rows.receipts.map(({ revision }) => revision)).size !== rows.receipts.length) {
    say('two operations made one revision');
  }
  for (const { operationId, count } of rows.segments) {
    if (receipts.get(operationId)?.count !== count) say(`${operationId} has no receipt of its nodes`);
  }
  const links = new Set(rows.references.map((row) => `${row.operationId} ${row.id}`));
  const deadFrom = new Map(rows.tombs.map(({ chain, from }) => [chain, from]));
  for (const { operationId, attachments, chain, firstSeq } of rows.receipts) {
    // A vacuum that was interrupted may have begun with the references of what is dead.
    const dead = firstSeq >= (deadFrom.get(chain) ?? Infinity);
    for (const id of attachments) {
      const link = `${operationId} ${id}`;
      if (!links.delete(link) && !dead) say(`the reference ${link} is missing`);
    }
  }
  for (const link of links) say(`nobody needs the reference ${link}`);
}

function checkAttachments(rows: AllRows, fault: (text: string) => void, settled: boolean): void {
  const attachments = new Map(rows.attachments.map((row) => [row.id, row]));
  for (const { id, sessionId } of rows.references) {
    const deleted = rows.heads.find((head) => head.sessionId === sessionId)?.kind === 'deleted';
    if (!deleted && attachments.get(id)?.state !== 'stored') fault(`${id} is referred to and not stored`);
  }
  for (const { id } of rows.intents) {
    if (settled && !attachments.has(id)) fault(`${id} is intended and not stored`);
  }
  const chunks = Map.groupBy(rows.chunks, ({ id }) => id);
  for (const id of chunks.keys()) if (!attachments.has(id)) fault(`chunks of the unknown attachment ${id}`);
  for (const { id, state, byteLength } of rows.attachments) {
    if (state !== 'stored') {
      if (settled) fault(`${id} is ${state}`);
      continue;
    }
    const own = chunks.get(id) ?? [];
    const whole = own.every(({ index }, place) => index === place);
    const sum = own.reduce((total, { bytes }) => total + bytes.byteLength, 0);
    if (!whole || own.length !== Math.ceil(byteLength / CHUNK_BYTES) || sum !== byteLength) {
      fault(`${id} is not whole`);
    }
  }
}

function sizeOf(draft: unknown): number {
  return new TextEncoder().encode(JSON.stringify(draft)).byteLength;
}
