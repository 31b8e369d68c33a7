/** How many things a summary names: the newest ones. */
const KEPT = 30;
/** How much it tells of each, in characters. */
const LENGTH = 100;

const ASKED = /^summari[sz]e the conversation\b/i;
const EARLIER = /<summary>\n(?<text>[\s\S]*?)\n<\/summary>/;
const CONVERSATION = /<conversation>\n(?<text>[\s\S]*)\n<\/conversation>/;

/** A summary, where a message asks for one: what the user said, in the order of time, behind what was summarised before. */
export function summaryIn(question: string): string | undefined {
  if (!ASKED.test(question)) return undefined;
  const earlier = EARLIER.exec(question)?.groups?.['text'] ?? '';
  const said = CONVERSATION.exec(question)?.groups?.['text'] ?? '';
  const items = [
    ...earlier.split('\n').filter((line) => line.startsWith('- ')),
    ...Array.from(said.matchAll(/^\[user\] (?<text>.+)$/gm), ({ groups }) => itemOf(groups?.['text'] ?? '')),
  ];
  return ['The user said:', ...items.slice(-KEPT)].join('\n');
}

function itemOf(text: string): string {
  return `- ${text.length > LENGTH ? `${text.slice(0, LENGTH - 1)}…` : text}`;
}
