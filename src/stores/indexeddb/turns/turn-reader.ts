import type { RecordedTurn, StoredTurn, TurnSignal } from '../../../contract/turn-store.ts';
import { keysOf } from '../rows/schema.ts';
import { inSession, type SessionAccess } from '../session-access.ts';
import {
  decodePending,
  decodeRecording,
  decodeSignal,
  decodeTurn,
  parseJson,
  pendingRows,
  showTurn,
} from './turn-rows.ts';

/** What is known of a turn, as `TurnStore.find` promises. */
export async function findTurn(access: SessionAccess, turnId: string): Promise<StoredTurn | null> {
  const { sessionId } = access;
  return inSession(access, 'readonly', ['turns'], async (rows) => {
    const turn = decodeTurn(sessionId, await rows.get('turns', [sessionId, turnId]));
    return turn === undefined ? null : showTurn(sessionId, turn);
  });
}

/** What has not ended, as `TurnStore.pending` promises. */
export async function readPending(access: SessionAccess): Promise<readonly StoredTurn[]> {
  const { sessionId } = access;
  return inSession(access, 'readonly', ['turns'], async (rows) =>
    decodePending(sessionId, await pendingRows(rows, sessionId)).map((turn) => showTurn(sessionId, turn)),
  );
}

/** A turn that has begun, as `TurnStore.load` promises. */
export async function loadTurn(access: SessionAccess, turnId: string): Promise<RecordedTurn | null> {
  const { sessionId } = access;
  return inSession(access, 'readonly', ['turns', 'journal', 'signals'], async (rows) => {
    const key = [sessionId, turnId];
    const [turnRow, journalRows, signalRows] = await Promise.all([
      rows.get('turns', key),
      rows.getAll('journal', keysOf(key)),
      rows.getAll('signals', keysOf(key)),
    ]);
    const turn = decodeTurn(sessionId, turnRow);
    if (turn?.status !== 'running') return null;
    const [plan, ...journal] = decodeRecording(sessionId, turnId, journalRows).map((text) =>
      parseJson(sessionId, text),
    );
    return {
      turn: showTurn(sessionId, turn),
      plan: plan ?? null,
      state: parseJson(sessionId, turn.state),
      journal,
      signals: signalRows.map((row) => decodeSignal(sessionId, row)),
    };
  });
}

/** The signals of a turn in the order of their ids, as `TurnStore.signals` promises. */
export async function readSignals(access: SessionAccess, turnId: string): Promise<readonly TurnSignal[]> {
  const { sessionId } = access;
  return inSession(access, 'readonly', ['signals'], async (rows) => {
    const found = await rows.getAll('signals', keysOf([sessionId, turnId]));
    return found.map((row) => decodeSignal(sessionId, row));
  });
}
