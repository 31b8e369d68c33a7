import type { SessionClient, SessionNode } from 'lash-web';

const PAGE_NODES = 500;

/**
 * What can be read of a session's path, one node a line, oldest first: all of it, or what lies before the damage in a
 * session that is open for reading only. It is for people and other programs; it cannot be imported.
 */
export async function readableNodes(session: SessionClient): Promise<Blob> {
  const pages: (readonly SessionNode[])[] = [];
  let before: number | undefined;
  do {
    const request = { limit: PAGE_NODES, ...(before === undefined ? {} : { before }) };
    const { window } = await session.readView(request);
    if (window.nodes.length === 0) break;
    pages.unshift(window.nodes);
    before = window.start;
  } while (before > 0);
  const lines = pages.flat().map((node) => `${JSON.stringify(node)}\n`);
  return new Blob(lines, { type: 'application/jsonl' });
}
