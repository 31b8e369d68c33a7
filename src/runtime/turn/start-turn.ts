import { toLashError } from '../../core/error.ts';
import type { TurnInput } from '../../core/turn-input.ts';
import type { SessionParts } from '../model/model-caller.ts';
import type { TurnOptions } from '../runtime-options.ts';
import type { SessionTurns } from './session-turns.ts';
import { stopWith, TurnHandle } from './turn-handle.ts';
import { turnIdOf } from './turn-id.ts';

/** Asks for a turn; its handle is there at once. Whatever is wrong, what `refuse` throws included, is told by the handle. */
export function startTurn(
  turns: SessionTurns,
  { clock, feed, secrets }: Pick<SessionParts, 'clock' | 'feed' | 'secrets'>,
  input: TurnInput,
  { signal, ...request }: TurnOptions,
  refuse: () => void,
): TurnHandle {
  let turnId = request.inputId ?? '';
  let asked: Promise<void>;
  try {
    refuse();
    turnId = turnIdOf(request, clock);
    asked = turns.ask(turnId, input, request);
  } catch (error) {
    asked = Promise.reject(toLashError(error));
  }
  const { ended, forget } = turns.outcome(turnId);
  const accepted = asked.catch((error: unknown) => {
    forget();
    throw secrets.redactError(error);
  });
  const cancel = async (reason: string): Promise<void> => await turns.cancel(turnId, reason);
  const handle = new TurnHandle({ turnId, feed, accepted, result: ended, cancel });
  if (signal !== undefined) stopWith(signal, handle);
  return handle;
}
