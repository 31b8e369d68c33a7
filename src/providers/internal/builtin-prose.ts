/** A story of about 400 words, long enough to be stopped in the middle. */
export const LONG_STORY: string = [
  '## The lighthouse that counted',
  'On a rock far out in the grey sea stood a lighthouse that could count. Nobody had taught it. One winter, when the keeper was ill and the nights were long, it had begun with the waves: one, two, three, and by morning it knew four thousand and eleven.',
  'From then on it counted everything. It counted the gulls on the railing and the steps of the stair, which were always a hundred and seven, and the ships that passed, which were never the same. In the evening it told the lamp its numbers, and the lamp, which was older and had seen a good deal, turned and said nothing.',
  'One day in spring a small boat came by with a girl in it. She had rowed out because she could not believe that anyone would live so far from everything. "What do you do here all day?" she called up.',
  '"I count," said the lighthouse.',
  '"And what does it come to?"',
  'The lighthouse had never thought about that. It had all the numbers, row upon row, from the first wave on, and it had never once added them up. It hesitated for so long that the girl tied her boat to the rock and climbed the hundred and seven steps, and looked out.',
  'From the top she saw the coast as a thin line, and the harbour, and the window of her own room with the yellow curtain. She saw a fishing boat come around the headland, too close to the shoals, and slow down, and turn away from them, because it had seen the light.',
  '"That is one," said the girl.',
  '"One what?" asked the lighthouse.',
  '"One that came home because of you. You should count those."',
  'So the lighthouse began again. It was harder than the waves. Many nights passed with nothing to count at all, and on others it could not be certain. It learned to watch the way a ship moves when it understands where it is. By the end of the summer it had reached thirty-two, and it told the lamp, and for the first time in all those years the lamp stopped for a moment in its turning.',
  '"Thirty-two," said the lamp. "That is a great many."',
  'The girl came back every spring. She brought oranges and news, and she always asked for the number first. And when at last she was grown, and steered a ship of her own through the dark towards the harbour, she looked up at the beam that swept over her, and said quietly: "That is one more."',
].join('\n\n');

/** Who the model is, and what it can do with the tools it was given. */
export function introduction(abilities: readonly string[]): string {
  const can = abilities.length === 0 ? 'Here I can do little more than talk' : `I can ${list(abilities)}`;
  return (
    'I am a small built-in model. I run in this page, without a network, and follow fixed rules. ' +
    `${can}. For anything else, choose another model.`
  );
}

/** What to say to a question that no rule fits. */
export function confession(question: string, abilities: readonly string[]): string {
  const short = question.length > 80 ? `${question.slice(0, 80)}…` : question;
  const can = abilities.length === 0 ? '' : ` I can ${list(abilities)}.`;
  return `I cannot answer “${short}”: I am a small built-in model with fixed rules.${can} For anything else, choose another model.`;
}

/** A greeting; which one depends on how long the conversation is already. */
export function greeting(turns: number): string {
  const greetings = ['Hello! What can I do for you?', 'Hello again. What shall we do next?', 'Hi. What now?'];
  return greetings[Math.min(turns, greetings.length) - 1] ?? 'Hello!';
}

/** Several things as a person would list them. */
export function list(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}
