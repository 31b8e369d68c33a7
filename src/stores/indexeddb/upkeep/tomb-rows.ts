import { decodeTomb } from '../graph/decode.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';

/** For each of these chains: the depth from which on its nodes are tombstoned. @throws `StoredDataCorrupt` */
export async function readTombs(
  rows: RowTransaction,
  sessionId: string,
  chains: readonly { readonly chain: number }[],
): Promise<(chain: number) => number> {
  const numbers = [...new Set(chains.map(({ chain }) => chain))];
  const found = await Promise.all(numbers.map((chain) => rows.get('tombs', [sessionId, chain])));
  const from = new Map(numbers.map((chain, index) => [chain, decodeTomb(sessionId, found[index])]));
  return (chain) => from.get(chain) ?? Infinity;
}
