import type { SessionNode } from '../../core/node.ts';
import { wholeText } from '../history/overflow.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { ChildRuntime } from './child-runtime.ts';

/** How far behind a turn's end its answer is looked for: plugins may have added nodes behind it. */
const MAX_LOOKED_AT = 64;

/** What the model said last in a turn that ended at `leaf`; empty where it said nothing. @throws what storage throws */
export async function answerText(
  session: Pick<ChildRuntime, 'view' | 'getHistoricNode'>,
  attachments: SessionAttachmentStore,
  leaf: string | null,
  turnId: string,
): Promise<string> {
  // What is shown is there also when the session was closed meanwhile.
  const shown = new Map(session.view().window.nodes.map((node) => [node.id, node]));
  let nodeId = leaf;
  for (let looked = 0; nodeId !== null && looked < MAX_LOOKED_AT; looked++) {
    const node: SessionNode = shown.get(nodeId) ?? (await session.getHistoricNode(nodeId));
    const { body, parentId } = node;
    if (body.kind === 'conversation' && body.turnId !== turnId) return '';
    if (body.kind === 'conversation' && body.message.role === 'assistant') {
      const texts = body.message.parts.filter((part) => part.type === 'text');
      const whole = texts.map(async (part) => await wholeText(part, attachments));
      return (await Promise.all(whole)).join('\n\n');
    }
    nodeId = parentId;
  }
  return '';
}
