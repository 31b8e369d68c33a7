import { test } from 'vitest';
import { IndexedDbDatabase } from '../../src/stores/database.ts';
import { newCounts } from '../../src/stores/row-counters.ts';
import { planCommit } from '../../src/stores/commit-plan.ts';
import { writeAhead, writeCommit, appendBehind } from '../../src/stores/commit-writer.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb-session-store-factory.ts';
let words = 0;
function node(characters = 1500): any {
  let text = '';
  while (text.length < characters) text += `${(Math.imul(++words, 0x9e3779b1) >>> 0).toString(36)} `;
  return { createdAt: 1_700_000_000_000, body: { kind: 'conversation', message: { role: 'assistant', parts: [{ type: 'text', text: text.slice(0, characters) }] } } };
}
const done = (tx: IDBTransaction) => new Promise<void>((res, rej) => { tx.oncomplete = () => res(); tx.onabort = () => rej(tx.error); });
const get = (r: IDBRequest) => new Promise((res, rej) => { r.onsuccess = () => res(r.result); r.onerror = () => rej(r.error); });
const B = { rows: 512, bytes: 1 << 20 };
test('x', async () => {
  const bareDb: IDBDatabase = await new Promise((res) => { const r = indexedDB.open('tmpb' + Math.random(), 1); r.onupgradeneeded = () => { for (const s of ['a', 'b']) r.result.createObjectStore(s, { keyPath: 'id' }); }; r.onsuccess = () => res(r.result); });
  const ours = IndexedDbDatabase.open('tmp' + Math.random());
  const factory = new IndexedDbSessionStoreFactory(ours);
  const mk = (id: string) => factory.open(id, { kind: 'create', title: 't', policy: { provider: { id: 'a', model: 'b' } }, at: 1 });
  await mk('s2'); const store = await mk('s3');
  const raw: IDBDatabase = await new Promise((res) => { const r = indexedDB.open(ours.name); r.onsuccess = () => res(r.result); });
  const nodes = [300, 900, 1200, 1200, 1200, 200].map((n) => node(n));
  const json = JSON.stringify(nodes);
  let i = 0;
  const usage = [{ source: 'turn', model: 'bench', usage: { inputTokens: 900, outputTokens: 90, cachedInputTokens: 9, reasoningTokens: 0 } }];
  const request = (): any => ({ operationId: 'opera-' + i, expectedRevision: 0, epoch: 0, change: { kind: 'append', parentId: null, nodes }, usage });
  const plan = await planCommit(request(), B);
  const head = (n: number) => ({ sessionId: 'session', kind: 'live', revision: n, epoch: 0, leaf: 'operation-' + n, ledger: usage, nodeCount: n * 6, bytes: n * 9000, updatedAt: 1000, place: { chain: 0, seq: n * 6 }, atTip: true, chains: 1 });
  const rec = (n: number) => ({ sessionId: 'session', operationId: 'operation-' + n, hash: 'f'.repeat(64), revision: n, leaf: 'operation-' + n, count: 6, chain: 0, firstSeq: n * 6 });
  const seg = (n: number) => ({ sessionId: 'session', chain: 0, firstSeq: n * 6, count: 6, operationId: 'operation-' + n, parentId: 'x', nodes: json });
  let rev2 = 0, rev3 = 0, leaf2: any = null, leaf3: any = null, h2: any;
  const S = ['heads', 'segments', 'receipts'] as const;
  const rawWait = async (wait: boolean, stores: string[] = [...S]) => { i++; const tx = raw.transaction(stores, 'readwrite', { durability: 'relaxed' }); const g = get(tx.objectStore('heads').get(['session'])); tx.objectStore('segments').add(seg(i)); tx.objectStore('receipts').add(rec(i)); const p = tx.objectStore('heads').put(head(i)); await g; if (wait) await get(p); tx.commit(); await done(tx); };
  const variants: Record<string, () => Promise<unknown>> = {
    bare: async () => { i++; const tx = bareDb.transaction(['a', 'b'], 'readwrite', { durability: 'relaxed' }); tx.objectStore('a').put({ id: i, nodes }); tx.objectStore('b').put({ id: i, ...head(i), ...rec(i) }); tx.commit(); await done(tx); },
    bareJson: async () => { i++; const tx = bareDb.transaction(['a', 'b'], 'readwrite', { durability: 'relaxed' }); tx.objectStore('a').put({ id: i, json }); tx.objectStore('b').put({ id: i, ...head(i), ...rec(i) }); tx.commit(); await done(tx); },
    raw3: async () => { i++; const tx = raw.transaction([...S], 'readwrite', { durability: 'relaxed' }); tx.objectStore('segments').add(seg(i)); tx.objectStore('receipts').add(rec(i)); tx.objectStore('heads').put(head(i)); tx.commit(); await done(tx); },
    rawPre: () => rawWait(false), rawWait: () => rawWait(true),
    ahead: async () => { i++; const c = { ...plan, operationId: 'opera-' + i, expectedRevision: rev2++, change: { ...plan.change, parentId: leaf2 } } as any; const a = appendBehind(c, h2); const r = await ours.transaction({ stores: a ? S : [...S, 'chains'], mode: 'readwrite', counts: newCounts() }, (rows) => a ? writeAhead(rows, c, a) : writeCommit(rows, 's2', c)); leaf2 = r.receipt.leaf; h2 = r.head; },
    commit: async () => { i++; const r = await store.commit({ ...request(), operationId: 'opera-' + i, expectedRevision: rev3++, change: { kind: 'append', parentId: leaf3, nodes } }); leaf3 = r.leaf; },
    plan: async () => { i++; await planCommit(request(), B); },
  };
  const ratios: Record<string, number[]> = {}; const abs: Record<string, number[]> = {};
  for (let round = 0; round < 120; round++) {
    let base = 0;
    for (const [k, f] of Object.entries(variants)) {
      const s = performance.now(); for (let j = 0; j < 5; j++) await f();
      const t = (performance.now() - s) / 5; if (k === 'bare') base = t;
      (ratios[k] ??= []).push(t / base); (abs[k] ??= []).push(t);
    }
  }
  const med = (v: number[]) => v.slice(20).toSorted((a, b) => a - b)[(v.length - 20) >> 1]!;
  console.log(Object.keys(variants).map((k) => `${k} ${med(abs[k]!).toFixed(3)} ms ${med(ratios[k]!).toFixed(2)} x`).join('\n'));
});
