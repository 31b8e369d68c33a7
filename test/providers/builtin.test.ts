import { builtinProvider } from 'lash-web/providers/builtin';
import { describe, expect, test, vi } from 'vitest';

import type { JsonValue } from '../../src/core/json.ts';
import type { ModelRequest, PromptMessage, PromptPart } from '../../src/core/model-request.ts';
import { callsOf, eventsOf, requestOf, textOf, toolOf, userSays } from './requests.ts';

const tools = [
  toolOf('calculator', 'expression'),
  toolOf('remember', 'key', 'value'),
  toolOf('recall', 'key'),
  toolOf('forget', 'key'),
  toolOf('plan', 'steps'),
  toolOf('tick', 'step'),
  toolOf('timer', 'seconds'),
  toolOf('countdown', 'seconds'),
  toolOf('tasks_list'),
  toolOf('read_file', 'attachmentId'),
  toolOf('set_theme', 'theme'),
  toolOf('page_info'),
  toolOf('other_tool'),
];
const fast = builtinProvider({ wordsPerSecond: 0 });
const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const notes = `[file "notes.txt" (text/plain, 120 bytes), attachment id ${A}]`;
const table = `[file "sums (2).csv" (text/csv, 12 bytes), attachment id ${B}]`;

const ask = (messages: string | readonly PromptMessage[], offered = tools): ModelRequest =>
  requestOf(messages, { tools: offered });

const wishesOf = async (messages: string | readonly PromptMessage[]): Promise<readonly unknown[]> =>
  callsOf(await eventsOf(fast, ask(messages))).map(({ tool, args }) => [tool, args]);

const answerOf = async (messages: string | readonly PromptMessage[], offered = tools): Promise<string> =>
  textOf(await eventsOf(fast, ask(messages, offered)));

/** What the model says once its calls for `question` have come back with these results, in order. */
async function answerAfter(
  question: string,
  results: readonly JsonValue[],
  status: 'success' | 'failure' | 'cancelled' = 'success',
): Promise<string> {
  const calls = callsOf(await eventsOf(fast, ask(question)));
  expect(calls).toHaveLength(results.length);
  const called = calls.map(({ tool, callId, args }): PromptPart => ({
    type: 'tool-call',
    callId,
    tool,
    args: args as JsonValue,
  }));
  const told = calls.map(({ tool, callId }, index): PromptPart => {
    const result = results[index] ?? null;
    const content = typeof result === 'string' ? result : JSON.stringify(result);
    return { type: 'tool-result', callId, tool, status, content };
  });
  return answerOf([userSays(question), { role: 'assistant', parts: called }, { role: 'tool', parts: told }]);
}

describe('the built-in model calculates', () => {
  test.each([
    ['What is 12 * (3 + 4)?', ['12 * (3 + 4)']],
    ['calculate 2+2 and 3*4', ['2+2', '3*4']],
    ['2 + 2', ['2 + 2']],
    ['What is 1,250 times 3?', ['1250 * 3']],
    ['Please work out 7 × 8, 9 ÷ 3 and 2^10.', ['7 * 8', '9 / 3', '2^10']],
    ['What is 20% of 150?', ['20 / 100 * 150']],
    ['What is the square root of 144 plus 1?', ['sqrt(144) + 1']],
    ['calculate max(1, 2) * 3', ['max(1, 2) * 3']],
    ['what is 5 squared?', ['5 ^ 2']],
    ['Compute -4 * 2 = ?', ['-4 * 2']],
  ])('%s', async (question, expressions) => {
    expect(await wishesOf(question)).toEqual(expressions.map((expression) => ['calculator', { expression }]));
  });

  test.each(['I was born on 1999-12-31.', 'What is 42?', 'It took 3-4 days', 'How much is the fish?'])(
    'and not when asked: %s',
    async (question) => {
      expect(await wishesOf(question)).toEqual([]);
    },
  );

  test('several things in parallel, with an id for each call', async () => {
    const calls = callsOf(await eventsOf(fast, ask('Calculate 1+1, 2+2 and 3+3')));
    expect(new Set(calls.map(({ callId }) => callId)).size).toBe(3);
  });

  test('and tells the results in order', async () => {
    expect(await answerAfter('What is 6*7?', [{ expression: '6*7', result: 42 }])).toBe('`6*7` is **42**.');
    expect(await answerAfter('What is 6*7 and 1+1?', [{ result: 42 }, '2'])).toBe(
      '- `6*7` is **42**.\n- `1+1` is **2**.',
    );
  });

  test('and says what did not work', async () => {
    expect(await answerAfter('What is 1/0?', ['not finite'], 'failure')).toContain(
      'did not work: not finite',
    );
    expect(await answerAfter('What is 1/2?', ['stopped'], 'cancelled')).toContain('was stopped');
  });
});

describe('the built-in model notes things down', () => {
  test.each([
    ['Remember that my cat is called Tom.', { key: 'cat', value: 'Tom' }],
    ['please remember my favourite color is dark green!', { key: 'favourite color', value: 'dark green' }],
    ["Don't forget: the wifi password is hunter 2", { key: 'wifi password', value: 'hunter 2' }],
    ['Note down that I have a dog named Rex', { key: 'dog', value: 'Rex' }],
    ["Remember that my cat's name is Tom", { key: 'cat', value: 'Tom' }],
    ['Can you remember that the name of my cat is Tom?', { key: 'cat', value: 'Tom' }],
    ['Keep in mind that I like tea.', { key: 'note', value: 'I like tea' }],
  ])('%s', async (question, args) => {
    expect(await wishesOf(question)).toEqual([['remember', args]]);
  });

  test.each([
    ['What is my cat called?', { key: 'cat' }],
    ["What's the name of my cat?", { key: 'cat' }],
    ["what is my cat's name", { key: 'cat' }],
    ['Do you remember what my cat is called?', { key: 'cat' }],
    ['What is my favourite color?', { key: 'favourite color' }],
    ['recall the wifi password', { key: 'wifi password' }],
    ['What did I ask you to remember?', {}],
  ])('and recalls them: %s', async (question, args) => {
    expect(await wishesOf(question)).toEqual([['recall', args]]);
  });

  test('and tells what it found', async () => {
    expect(await answerAfter('Remember that my cat is called Tom', [{ remembered: 'cat' }])).toBe(
      'I noted that **cat** is **Tom**.',
    );
    expect(await answerAfter('What is my cat called?', [{ key: 'cat', found: true, value: 'Tom' }])).toBe(
      'I noted that **cat** is **Tom**.',
    );
    expect(await answerAfter('What is my cat called?', [{ key: 'cat', found: false, keys: [] }])).toBe(
      'Nothing is noted down about **cat**.',
    );
    expect(await answerAfter('list my notes', [{ keys: ['cat', 'dog'] }])).toContain('**cat**, **dog**');
  });
});

describe('the built-in model deletes notes', () => {
  test.each([
    ['Forget the meeting', 'meeting'],
    ['Please forget about my cat.', 'cat'],
    ['Can you forget what I told you about the wifi password?', 'wifi password'],
    ['Delete the note about the meeting.', 'meeting'],
  ])('%s', async (question, key) => {
    expect(await wishesOf(question)).toEqual([['forget', { key }]]);
  });

  test.each(["Don't forget the meeting, please", 'Forget it.', 'Delete the file'])(
    'but not because of "%s"',
    async (question) => {
      expect((await wishesOf(question)).map((wish) => (wish as unknown[])[0])).not.toContain('forget');
    },
  );

  test('and tells whether there was one', async () => {
    expect(await answerAfter('Forget my cat', [{ key: 'cat', found: true }])).toBe(
      'I deleted the note about **cat**.',
    );
    expect(await answerAfter('Forget my cat', [{ key: 'cat', found: false }])).toBe(
      'Nothing was noted down about **cat**.',
    );
  });
});

describe('the built-in model sets timers', () => {
  test.each([
    ['Set a timer for 20 seconds', 20],
    ['Set a timer of 1 minute, please', 60],
    ['Wait 5 s', 5],
    ['wait for 2 min', 120],
  ])('%s', async (question, seconds) => {
    expect(await wishesOf(question)).toEqual([['timer', { seconds }]]);
  });

  test('and tells when they are over', async () => {
    expect(await answerAfter('Wait 1 second', [{ seconds: 1, over: true }])).toBe(
      'The **1 second** is over.',
    );
    expect(await answerAfter('Wait 120 seconds', [{ seconds: 120, over: true }])).toBe(
      'The **2 minutes** are over.',
    );
  });
});

describe('the built-in model reads files', () => {
  test('that are attached, each by its own call', async () => {
    expect(await wishesOf(`${notes}\n${table}`)).toEqual([
      ['read_file', { attachmentId: A }],
      ['read_file', { attachmentId: B }],
    ]);
  });

  test('of earlier messages, by name or else the last one', async () => {
    const before: readonly PromptMessage[] = [userSays(`Look: ${notes}`), userSays(`And ${table}`)];
    expect(await wishesOf([...before, userSays('What is in notes.txt?')])).toEqual([
      ['read_file', { attachmentId: A }],
    ]);
    expect(await wishesOf([...before, userSays('Summarize the file.')])).toEqual([
      ['read_file', { attachmentId: B }],
    ]);
    expect(await wishesOf([...before, userSays('Hello')])).toEqual([]);
  });

  test('and tells how they begin', async () => {
    const text = 'First line.\nSecond line.\n';
    const told = await answerAfter(notes, [{ name: 'notes.txt', byteLength: 24, truncated: false, text }]);
    expect(told).toBe('**notes.txt** has 2 lines and 4 words. It begins:\n\n> First line.\n> Second line.');
  });

  test('but none that are not text, and says so where there is no tool', async () => {
    const binary = `[file "a.zip" (application/zip, 9 bytes), attachment id ${A}]`;
    expect(await wishesOf(binary)).toEqual([]);
    expect(await answerOf(binary)).toBe(
      'You attached **a.zip** (application/zip, 9 bytes). I have no tool that reads it.',
    );
    expect(await answerOf(notes, [])).toContain('no tool');
  });
});

describe('the built-in model', () => {
  test.each([
    ['Switch to dark mode, please', 'dark'],
    ['Make the page dark', 'dark'],
    ['Please make it lighter.', 'light'],
    ['Set the theme to system', 'system'],
    ['Can you change the colors of the page to dark ones?', 'dark'],
  ])('changes the theme: %s', async (question, theme) => {
    expect(await wishesOf(question)).toEqual([['set_theme', { theme }]]);
  });

  test.each(['How big is this window?', 'Tell me about the page', 'What do you know about this page?'])(
    'tells about the page: %s',
    async (question) => {
      expect(await wishesOf(question)).toEqual([['page_info', {}]]);
    },
  );

  test.each(['Why is the night dark?', 'I read a light novel', 'Remember that I set the page to dark'])(
    'and leaves the page alone after: %s',
    async (question) => {
      expect((await wishesOf(question)).map((wish) => (wish as unknown[])[0])).not.toContain('set_theme');
    },
  );

  test('calls any tool that it is told to, also with arguments that are none', async () => {
    expect(await wishesOf('call other_tool with {"a": [1, 2]}')).toEqual([['other_tool', { a: [1, 2] }]]);
    expect(await wishesOf('Use the tool `other_tool`')).toEqual([['other_tool', {}]]);
    expect(await wishesOf('call other_tool with rubbish')).toEqual([['other_tool', 'rubbish']]);
    expect(await answerAfter('call other_tool', [{ b: 1 }])).toContain('"b": 1');
  });

  test('calls no tool that is not offered', async () => {
    expect(callsOf(await eventsOf(fast, ask('What is 6*7?', [])))).toEqual([]);
    expect(await answerOf('What is 6*7?', [])).toMatch(
      /^I cannot answer “What is 6\*7\?”: I am a small built-in model/,
    );
  });

  test('says what it is, and what it can do here', async () => {
    expect(await answerOf('Who are you?')).toMatch(
      /small built-in model.* I can calculate, note something down, .* and /,
    );
    expect(await answerOf('Who are you?', [])).not.toContain('calculate');
    expect(await answerOf('What is the capital of France?')).toMatch(/^I cannot answer/);
  });

  test('understands each thing that it says it can do, in the words in which it says it', async () => {
    /** What it says, what somebody makes of it who repeats its words, and the call that it makes then. */
    const abilities = [
      ['calculate', 'Calculate 6 * 7', 'calculator', { expression: '6 * 7' }],
      [
        'note something down',
        'Note something down: my cat is called Tom',
        'remember',
        { key: 'cat', value: 'Tom' },
      ],
      ['recall what was noted', 'Recall what was noted', 'recall', {}],
      ['delete a note once you allow it', 'Delete a note about my cat', 'forget', { key: 'cat' }],
      [
        'keep a plan',
        'Keep a plan: bread, milk and two eggs',
        'plan',
        { steps: ['bread', 'milk', 'two eggs'] },
      ],
      ['tick off its steps', 'Tick off two eggs.', 'tick', { step: 'two eggs' }],
      ['set a timer', 'Set a timer for 20 seconds', 'timer', { seconds: 20 }],
      [
        'count down in the background',
        'Count down 2 minutes in the background',
        'countdown',
        { seconds: 120 },
      ],
      ['list what runs in the background', 'List what runs in the background', 'tasks_list', {}],
      ['read attached text files', 'Read the attached text file', 'read_file', { attachmentId: A }],
      ['make the page dark or light', 'Make the page dark', 'set_theme', { theme: 'dark' }],
      ['tell about the page', 'Tell about the page', 'page_info', {}],
    ] as const;
    const said = abilities.map(([ability]) => ability);
    expect(await answerOf('What can you do?')).toContain(
      `I can ${said.slice(0, -1).join(', ')} and ${said.at(-1)}.`,
    );
    for (const [, words, tool, args] of abilities) {
      const wishes = await wishesOf([userSays(`Look: ${notes}`), userSays(words)]);
      expect(wishes, words).toEqual([[tool, args]]);
    }
  });

  test('describes an image by type and size only', async () => {
    const parts: PromptPart[] = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', mime: 'image/png', data: new Uint8Array(321) },
    ];
    expect(await answerOf([{ role: 'user', parts }])).toBe(
      'You attached an image of type `image/png` with 321 bytes. I am a small built-in model and cannot see what it shows.',
    );
  });

  test('thinks aloud first when it is asked to', async () => {
    const events = await eventsOf(fast, ask('Think, then calculate 2*3'));
    const types = events.map(({ type }) => type);
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      'reasoning-delta',
      'reasoning-end',
      'tool-call',
      'finish',
    ]);
    expect(events.at(-1)).toMatchObject({ reason: 'tool-calls' });
  });

  test('writes a story of about 400 words, and goes on where it was stopped', async () => {
    const story = await answerOf('Please write a long story');
    const words = story.match(/\S+/g)?.length ?? 0;
    expect(words).toBeGreaterThan(350);
    expect(words).toBeLessThan(500);
    const half: PromptMessage = { role: 'assistant', parts: [{ type: 'text', text: story.slice(0, 700) }] };
    expect(await answerOf([userSays('Please write a long story'), half])).toBe(story.slice(700));
  });

  test('answers the last message again when nothing was added, with the same words', async () => {
    const again = [userSays('Hello'), { role: 'assistant', parts: [] } as const, userSays('What is 1+1?')];
    expect(await eventsOf(fast, ask(again))).toEqual(await eventsOf(fast, ask(again)));
  });

  test('[PR2] ends with one finish that counts tokens, roughly', async () => {
    const events = await eventsOf(fast, ask('Hello'));
    expect(events.filter(({ type }) => type === 'finish')).toEqual([events.at(-1)]);
    const [finish] = events.flatMap((event) => (event.type === 'finish' ? event : []));
    expect(finish?.reason).toBe('stop');
    expect(finish?.usage.inputTokens).toBeGreaterThan(10);
    expect(finish?.usage.outputTokens).toBeGreaterThan(5);
  });

  test('writes word by word at a human pace unless told otherwise', async () => {
    vi.useFakeTimers();
    try {
      const answer = builtinProvider().stream(ask('Hello'), new AbortController().signal);
      const stream = answer[Symbol.asyncIterator]();
      await stream.next();
      let written = false;
      const second = stream.next().then(() => (written = true));
      await vi.advanceTimersByTimeAsync(24);
      expect(written).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(written).toBe(true);
      await second;
    } finally {
      vi.useRealTimers();
    }
  });

  test('[PR4] ends soon when it is aborted, while it waits and before it begins', async () => {
    const abort = new AbortController();
    const events: string[] = [];
    for await (const event of builtinProvider({ wordsPerSecond: 0.001 }).stream(ask('Hello'), abort.signal)) {
      events.push(event.type);
      setTimeout(() => abort.abort(), 1);
    }
    expect(events).toEqual(['text-delta']);
    expect(await eventsOf(fast, ask('Hello'), AbortSignal.abort())).toEqual([]);
  });
});
