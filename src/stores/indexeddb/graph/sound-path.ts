import type { SoundPath } from '../../../contract/store.ts';
import { parseNodeId } from '../../../core/id.ts';
import { corrupt, damageIn } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { LiveHead } from './decode.ts';
import { findPlace } from './node-places.ts';
import { type PathEnd, readSpanNodes, type Span, walkPath } from './path-reader.ts';

/** How many nodes are read, and let go again, at a time. */
const STEP = 64;

/** As `SessionStore.findSoundPath` promises. Holds no more than a page of nodes and the spans of the path. */
export async function findSoundPath(
  rows: RowTransaction,
  sessionId: string,
  { leaf: id, place }: LiveHead,
): Promise<SoundPath> {
  if (id === null || place === null) return { leaf: null, damage: null };
  const leaf: PathEnd = { id, place };
  let spans: readonly Span[];
  try {
    const range = { from: 0, to: place.seq + 1 };
    spans = await walkPath(rows, sessionId, place, range, async (span) => span);
  } catch (error) {
    return { leaf: null, damage: damageOf(error) };
  }
  let sound: string | null = null;
  let step = STEP;
  for (const span of spans) {
    let from = span.from;
    while (from <= span.last) {
      const last = Math.min(from + step - 1, span.last);
      try {
        sound = await readPage(
          rows,
          sessionId,
          leaf,
          { ...span, from, last, whole: from === span.from },
          sound,
        );
        from = last + 1;
      } catch (error) {
        const damage = damageOf(error);
        if (step === 1) return { leaf: sound, damage };
        step = 1;
      }
    }
  }
  return { leaf: sound, damage: null };
}

/**
 * Reads a page that must go on from `before`; the id of its last node. The receipts must lead to its nodes too, so that
 * each one can be opened by its id.
 */
async function readPage(
  rows: RowTransaction,
  sessionId: string,
  leaf: PathEnd,
  span: Span,
  before: string | null,
): Promise<string | null> {
  const nodes = await readSpanNodes(rows, sessionId, leaf, span);
  const first = nodes[0];
  if (first !== undefined && first.parentId !== before) {
    throw corrupt(sessionId, first.id, 'it does not follow on the node before it');
  }
  const checked = nodes.map(({ id }, at) => ({ id, seq: span.from + at }));
  const firsts = checked.filter(({ id }, at) => at === 0 || parseNodeId(id)?.ordinal === 0);
  const places = await Promise.all(firsts.map(({ id }) => findPlace(rows, sessionId, id)));
  for (const [at, { id, seq }] of firsts.entries()) {
    const place = places[at];
    if (place?.chain !== span.chain || place.seq !== seq) {
      throw corrupt(sessionId, id, 'its operation did not write it here');
    }
  }
  return nodes.at(-1)?.id ?? before;
}

function damageOf(error: unknown): SoundPath['damage'] {
  const { nodeId, reason } = damageIn(error).data;
  return { nodeId, reason };
}
