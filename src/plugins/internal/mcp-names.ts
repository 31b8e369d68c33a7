import { LashError } from '../../core/error.ts';

/** What every provider takes as a tool's name. */
const MAX_NAME = 64;
/** How much of that a server's name may take. */
const MAX_SERVER = 28;

/** What the names of a server's tools begin with. */
export function prefixOf(server: string): string {
  return `mcp__${plain(server).slice(0, MAX_SERVER)}__`;
}

/** @throws `InvalidInput` where the tools of another server have the same names */
export function refuseSamePrefix(server: string, others: readonly string[]): void {
  const other = others.find((name) => prefixOf(name) === prefixOf(server));
  if (other === undefined) return;
  const reason = `the server ${JSON.stringify(other)} names its tools so too: ${prefixOf(server)}`;
  throw new LashError('InvalidInput', `There cannot be a server ${JSON.stringify(server)}: ${reason}`, {
    path: `servers.${server}`,
    reason,
  });
}

/** A name for each of a server's tools: within what providers take, and no two the same. */
export function toolNames(server: string, tools: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return tools.map((tool) => {
    const wanted = `${prefixOf(server)}${plain(tool)}`;
    let name = wanted.slice(0, MAX_NAME);
    for (let count = 2; taken.has(name); count++) {
      const ending = `_${count}`;
      name = `${wanted.slice(0, MAX_NAME - ending.length)}${ending}`;
    }
    taken.add(name);
    return name;
  });
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/gu, '_');
}
