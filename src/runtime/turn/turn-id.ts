import type { Clock } from '../../contract/clock.ts';
import { LashError } from '../../core/error.ts';
import { checkId } from '../../core/id.ts';
import { utf8Length } from '../../core/json.ts';
import type { TurnRequest } from '../../core/turn-input.ts';

/** Room that commit numbers take in an operation id behind the turn's. */
const MAX_TURN_ID_BYTES = 100;

/** The id of a turn. @throws `InvalidInput` */
export function turnIdOf(request: TurnRequest, clock: Clock): string {
  const id = checkId(request.inputId ?? clock.newId(), 'inputId');
  if (utf8Length(id) > MAX_TURN_ID_BYTES) {
    const reason = `must be at most ${MAX_TURN_ID_BYTES} bytes of UTF-8`;
    throw new LashError('InvalidInput', `inputId ${reason}`, { path: 'inputId', reason });
  }
  return id;
}
