import type { Durability } from '../../contract/durability.ts';
import type { QueuedInput, TurnChange, TurnRecord, TurnSignal } from '../../contract/turn-store.ts';
import { LashError } from '../../core/error.ts';
import { checkId } from '../../core/id.ts';
import { type JsonValue, utf8Length } from '../../core/json.ts';
import { isCount } from './node-fault.ts';
import { checkData, invalid } from './refusal.ts';

/** An input that was checked and encoded; it shares nothing with what the caller holds. */
export interface PlannedInput extends Omit<QueuedInput, 'request'> {
  /** JSON text. */
  readonly request: string;
}

/** What a commit says of a turn, checked, and its JSON as text. */
export type PlannedTurnChange =
  | {
      readonly kind: 'begin';
      readonly turnId: string;
      readonly hash: string;
      readonly plan: string;
      readonly state: string;
      readonly at: number;
    }
  | {
      readonly kind: 'progress';
      readonly turnId: string;
      readonly state: string;
      readonly settles: readonly string[];
      readonly settledAs: string;
    }
  | { readonly kind: 'end'; readonly turnId: string; readonly result: string };

/** What is added to a journal, checked, and its JSON as text. */
export interface PlannedRecord {
  readonly turnId: string;
  readonly epoch: number;
  readonly first: number;
  readonly entries: readonly string[];
  readonly waits: string | null;
  readonly durability: Durability | undefined;
}

/** A signal that was checked, and its value as JSON text. */
export interface PlannedSignal {
  readonly turnId: string;
  readonly signalId: string;
  readonly value: string;
}

const MAX_SIGNAL_ID_BYTES = 256;

/** Checks and encodes an input; this comes before a transaction opens (law ST15). @throws `InvalidInput`, `NotData` */
export function planInput({ turnId, hash, request, at }: QueuedInput): PlannedInput {
  checkTurnId(turnId, 'turnId');
  checkHash(hash, 'hash');
  checkTime(at, 'at');
  return { turnId, hash, request: toText(request, 'request'), at };
}

/** Checks and encodes what a commit says of a turn. @throws `InvalidInput`, `NotData` */
export function planTurnChange(change: TurnChange): PlannedTurnChange {
  const { kind, turnId } = change;
  checkTurnId(turnId, 'turn.turnId');
  switch (kind) {
    case 'begin': {
      const { hash, at } = change;
      checkHash(hash, 'turn.hash');
      checkTime(at, 'turn.at');
      const plan = toText(change.plan, 'turn.plan');
      return { kind, turnId, hash, plan, state: toText(change.state, 'turn.state'), at };
    }
    case 'progress': {
      checkList(change.settles, 'turn.settles');
      const settles = [...change.settles];
      for (const [index, id] of settles.entries()) checkTurnId(id, `turn.settles[${index}]`);
      if (new Set(settles).size < settles.length) throw invalid('turn.settles', 'names an input twice');
      const settledAs = toText(change.settledAs, 'turn.settledAs');
      return { kind, turnId, state: toText(change.state, 'turn.state'), settles, settledAs };
    }
    case 'end':
      return { kind, turnId, result: toText(change.result, 'turn.result') };
    default:
      throw invalid('turn.kind', 'must be begin, progress or end');
  }
}

/** Checks and encodes what is added to a journal. @throws `InvalidInput`, `NotData` */
export function planRecord(record: TurnRecord): PlannedRecord {
  const { turnId, epoch, first, waits, durability } = record;
  checkTurnId(turnId, 'turnId');
  if (!isCount(epoch)) throw invalid('epoch', 'must be a whole number from 0 on');
  if (!isCount(first)) throw invalid('first', 'must be a whole number from 0 on');
  checkList(record.entries, 'entries');
  const entries = record.entries.map((entry, index) => toText(entry, `entries[${index}]`));
  const held = waits === undefined ? null : toText(waits, 'waits');
  return { turnId, epoch, first, entries, waits: held, durability };
}

/** Checks and encodes a signal. @throws `InvalidInput`, `NotData` */
export function planSignal({ turnId, signalId, value }: TurnSignal): PlannedSignal {
  checkTurnId(turnId, 'turnId');
  const bytes = typeof signalId === 'string' ? utf8Length(signalId) : 0;
  if (bytes === 0 || bytes > MAX_SIGNAL_ID_BYTES)
    throw invalid('signalId', `must be 1 to ${MAX_SIGNAL_ID_BYTES} bytes of UTF-8, and has ${bytes}`);
  return { turnId, signalId, value: toText(value, 'value') };
}

/** `value` as JSON text: a copy that nobody can change, with the keys in the order that they were given in. */
export function toText(value: JsonValue | undefined, path: string): string {
  if (value === undefined) throw new LashError('NotData', `${path} is not JSON data`, { path });
  checkData(value, path);
  return JSON.stringify(value);
}

function checkTurnId(turnId: unknown, path: string): void {
  if (typeof turnId !== 'string') throw invalid(path, 'must be the id of a turn');
  checkId(turnId, path);
}

function checkHash(hash: unknown, path: string): void {
  if (typeof hash !== 'string' || hash === '') throw invalid(path, 'must be a hash of the request');
}

function checkTime(at: unknown, path: string): void {
  if (!isCount(at)) throw invalid(path, 'must be Unix milliseconds');
}

function checkList(list: unknown, path: string): void {
  if (!Array.isArray(list)) throw invalid(path, 'must be a list');
}
