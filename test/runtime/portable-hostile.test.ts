import { beforeAll, describe, expect, test } from 'vitest';

import { isLashError } from '../../src/core/error.ts';
import { Author } from '../../src/testing/author.ts';
import { dice } from '../support/dice.ts';
import {
  exported,
  fileOf,
  grow,
  imported,
  linesOf,
  memoryPlace,
  type Place,
  storedIn,
  treeOf,
} from './portable.ts';

/** A place with a session of its own, which no import may change. */
async function furnished(maxBytes?: number): Promise<Place> {
  const place = memoryPlace(maxBytes);
  await (await Author.create(place.factory, 'mine')).say('mine');
  return place;
}

/** Imports a file that is not one, and checks that nothing is stored of it. */
async function refusedAt(
  place: Place,
  file: string | Blob,
  options: Parameters<typeof imported>[2] = {},
): Promise<number> {
  const before = await storedIn(place);
  const error: unknown = await imported(place, file, options).then(
    () => new Error('it was imported'),
    (reason: unknown) => reason,
  );
  if (!isLashError(error, 'ImportInvalid')) throw error;
  expect(await storedIn(place)).toEqual(before);
  return error.data.line;
}

/** Header, one attachment with its piece, and nodes 1, 2 (below 1) and 3 (below 1). */
async function small(): Promise<string> {
  const place = memoryPlace();
  const author = await Author.create(place.factory);
  const bytes = new TextEncoder().encode('bytes');
  const attachment = await place.attachments.put(bytes, { mime: 'text/plain' }, { sessionId: 'session' });
  const usage = { inputTokens: 1, outputTokens: 2, cachedInputTokens: 0, reasoningTokens: 0 };
  const [first] = (
    await author.commit({
      kind: 'append',
      parentId: null,
      nodes: [
        {
          createdAt: 1,
          body: { kind: 'conversation', message: { role: 'user', parts: [{ type: 'file', attachment }] } },
        },
        {
          createdAt: 2,
          body: { kind: 'conversation', message: { role: 'assistant', parts: [] }, model: 'm', usage },
        },
      ],
    })
  ).nodeIds;
  await author.commit({
    kind: 'append',
    parentId: first!,
    nodes: [{ createdAt: 3, body: { kind: 'plugin', pluginType: 'p', data: { deep: { er: [1] } } } }],
  });
  return await exported(place);
}

let file: string;
let lines: readonly string[];

beforeAll(async () => {
  file = await small();
  lines = linesOf(file);
  expect(await fileOf(lines)).toBe(file);
});

/** The file with one line changed, its footer made to fit. */
async function changed(line: number, change: (text: string) => string): Promise<string> {
  const before = lines[line - 1]!;
  const after = change(before);
  expect(after).not.toBe(before);
  return await fileOf(lines.with(line - 1, after));
}

test('[SE2] the file that the cases below change is itself imported', async () => {
  expect(await imported(await furnished(), file)).toEqual({
    sessionId: 'imported',
    nodes: 3,
    attachments: 1,
  });
});

test('[SE2] a file that is cut at any byte is refused, and nothing of it is imported', async () => {
  const place = await furnished();
  const whole = new Blob([file]);
  for (let size = 0; size < whole.size; size++) {
    const line = await refusedAt(place, whole.slice(0, size), { sessionId: `cut-${size}` });
    const linesBefore = file.slice(0, size).split('\n').length;
    expect(line).toBe(linesBefore);
  }
});

test('[ST11] what only a refused file brought is taken by the next sweep', async () => {
  const place = await furnished();
  expect(await refusedAt(place, file.slice(0, -1))).toBe(7);
  const mine = await place.factory.open('mine', { kind: 'open' });
  await mine.gcUnreachable({ keepYoungerThanMs: 0 });
  expect(await place.attachments.totalBytes()).toBe(0);
});

test('[SE2] a file with something behind its footer is refused', async () => {
  const place = await furnished();
  expect(await refusedAt(place, `${file}{}\n`)).toBe(8);
  expect(await refusedAt(place, `${file}${file}`, { sessionId: 'twice' })).toBe(8);
  expect(await refusedAt(place, `${file}\n`, { sessionId: 'empty line' })).toBe(8);
  expect(await refusedAt(place, `${file} `, { sessionId: 'a space' })).toBe(8);
  const counts = { nodes: 3, attachments: 1 };
  const second = await fileOf(file.split('\n').slice(0, -1), counts);
  expect(await refusedAt(place, second, { sessionId: 'two footers' })).toBe(8);
});

test('[SE2] an id that is longer than any store gives is refused', async () => {
  const long = await changed(4, (text) =>
    text.replace(/"node_id":"[^"]*"/, `"node_id":"${'i'.repeat(161)}"`),
  );
  expect(await refusedAt(await furnished(), long)).toBe(4);
});

test('[SE2] a huge line is refused without being held', async () => {
  const place = await furnished();
  const huge = await changed(6, (text) => text.replace('[1]', JSON.stringify('x'.repeat(100_000))));
  expect(await refusedAt(place, huge, { limits: { lineBytes: 100_000 } })).toBe(6);
  await imported(await furnished(), huge, { limits: { lineBytes: 101_000 } });
  const endless = new Blob([`${lines[0]}\n`, ...Array.from({ length: 64 }, () => 'x'.repeat(1024 * 1024))]);
  await expect(imported(place, endless, { sessionId: 'endless' })).rejects.toMatchObject({
    code: 'ImportInvalid',
    data: { line: 2, reason: expect.stringContaining('bytes long') as unknown },
  });
});

test.each([
  ['[', ']'],
  ['{"a":', '}'],
])('[SE2] deep nesting of %s is refused before it is parsed', async (open, close) => {
  const place = await furnished();
  for (const depth of [66, 100_000]) {
    const nested = `${open.repeat(depth)}1${close.repeat(depth)}`;
    const hostile = await changed(6, (text) => text.replace('[1]', nested));
    expect(await refusedAt(place, hostile, { sessionId: `deep-${depth}` })).toBe(6);
  }
});

test('[SE2] what a commit takes at its deepest is imported, and one level more is not', async () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const place = await furnished();
  const author = await Author.create(place.factory);
  const outcome = { status: 'success', value: JSON.parse(nested(58)) as never } as const;
  const invocation = { callId: 'c', tool: 't', args: null, outcome, durationMs: 1 };
  const data = JSON.parse(nested(60)) as never;
  await author.commit({
    kind: 'append',
    parentId: null,
    nodes: [
      { createdAt: 1, body: { kind: 'tool', invocation } },
      { createdAt: 1, body: { kind: 'plugin', pluginType: 'p', data } },
    ],
  });
  const deepest = await exported(place);
  await imported(place, deepest, { sessionId: 'deepest' });
  const text = linesOf(deepest);
  for (const [line, depth] of [
    [2, 58],
    [3, 60],
  ] as const) {
    const deeper = text[line - 1]!.replace(nested(depth), nested(depth + 1));
    expect(await refusedAt(place, await fileOf(text.with(line - 1, deeper)), { sessionId: `${line}` })).toBe(
      line,
    );
  }
});

describe.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])('a key %s', (key) => {
  test('[SE2] is refused anywhere, and reaches no prototype', async () => {
    const place = await furnished();
    for (const [index, text] of lines.entries()) {
      const places = [...text.matchAll(/\{/g)].map((match) => match.index + 1);
      for (const at of places) {
        const fields = text[at] === '}' ? `"${key}":{"polluted":1}` : `"${key}":{"polluted":1},`;
        const hostile = await changed(index + 1, () => text.slice(0, at) + fields + text.slice(at));
        expect(await refusedAt(place, hostile, { sessionId: `${index} ${at}` })).toBe(index + 1);
      }
    }
    expect({}).not.toHaveProperty('polluted');
  });

  test('[SE2] is refused within the text of a model’s arguments', async () => {
    const place = await furnished();
    const author = await Author.create(place.factory, 'calls');
    const call = { type: 'tool-call', callId: 'c', tool: 't', args: { a: { b: 1 } } } as const;
    await author.commit({
      kind: 'append',
      parentId: null,
      nodes: [
        { createdAt: 1, body: { kind: 'conversation', message: { role: 'assistant', parts: [call] } } },
      ],
    });
    const text = linesOf(await exported(place, 'calls'));
    const hostile = text[1]!.replace(String.raw`{\"b\":1}`, `{\\"${key.replace('\\', '\\\\')}\\":1}`);
    expect(hostile).not.toBe(text[1]);
    expect(await refusedAt(place, await fileOf(text.with(1, hostile)))).toBe(2);
  });
});

/** What is wrong, the line that is changed, how, and the line that is refused where that is another one. */
type Fault = readonly [what: string, line: number, find: string | RegExp, put: string, refused?: number];

const SINGLE_FAULTS: readonly Fault[] = [
  ['another format', 1, 'lash-web.session', 'other'],
  ['a later version', 1, '"version":1', '"version":2'],
  ['a title that is none', 1, /"title":"[^"]*"/, '"title":7'],
  ['a policy without a model', 1, /"model":"[^"]*"/, '"model":""'],
  ['a time before 1970', 1, '1970-', '1969-'],
  ['a leaf that is no node', 1, /"leaf_node_id":"[^"]*"/, '"leaf_node_id":"op-1.9"'],
  ['an attachment whose id is no hash', 2, /"id":"./, '"id":"x'],
  ['an attachment that claims another hash', 2, /"id":"[0-9a-f]/, '"id":"0'],
  ['an attachment that claims more bytes', 2, '"byte_len":5', '"byte_len":6', 3],
  ['an attachment that claims fewer bytes', 2, '"byte_len":5', '"byte_len":4', 3],
  ['an attachment that claims less than nothing', 2, '"byte_len":5', '"byte_len":-5'],
  ['an attachment without a type', 2, 'text/plain', ''],
  ['bytes that are no base64', 3, /"base64":"./, '"base64":"!'],
  ['other bytes', 3, 'Yn', 'Zn', 2],
  ['a reference to other bytes', 4, /("reference":\{"id":")../, '$1ff'],
  ['a reference that claims another length', 4, '"byte_len":5', '"byte_len":50'],
  ['a role that is none', 4, '"User"', '"Tool"'],
  ['a time that is none', 4, /"timestamp":"[^"]*"/, '"timestamp":"soon"'],
  ['a node without an id', 4, /"node_id":"[^"]*",/, ''],
  ['a node that is its own parent', 4, '"timestamp"', '"parent_node_id":"op-1.0","timestamp"'],
  ['a parent that comes later', 4, '"timestamp"', '"parent_node_id":"op-1.1","timestamp"'],
  ['a parent that is not there', 5, /"parent_node_id":"[^"]*"/, '"parent_node_id":"op-7.0"'],
  ['an id that was there', 5, '"node_id":"op-1.1"', '"node_id":"op-1.0"'],
  ['tokens below zero', 5, '"input_tokens":1', '"input_tokens":-1'],
  ['tokens in fractions', 5, '"input_tokens":1', '"input_tokens":1.5'],
  ['tokens beyond counting', 5, '"input_tokens":1', '"input_tokens":9007199254740993'],
  ['a number beyond all', 6, '[1]', '[1e999]'],
  ['a line that is no object', 6, /.+/, '[]'],
  ['an unknown type', 6, '"type":"node"', '"type":"nodes"'],
  ['an unknown kind', 6, '"kind":"plugin"', '"kind":"mode"'],
  ['a plugin without a type', 6, '"plugin_type":"p"', '"plugin_type":null'],
  ['an empty line', 6, /.+/, ''],
];

test.each(
  SINGLE_FAULTS.map(([what, line, find, put, refused = line]) => ({ what, line, find, put, refused })),
)('[SE2] $what is refused, and the line is named', async ({ line, find, put, refused }) => {
  const place = await furnished();
  expect(await refusedAt(place, await changed(line, (text) => text.replace(find, put)))).toBe(refused);
});

test('[SE2] tokens that add up beyond counting are refused, though each node’s can be counted', async () => {
  const place = await furnished();
  const most = lines[4]!.replace('"input_tokens":1', `"input_tokens":${Number.MAX_SAFE_INTEGER}`);
  const again = most.replace('"op-1.1","parent_node_id":"op-1.0"', '"more","parent_node_id":"op-1.1"');
  expect(again).not.toBe(most);
  expect(await refusedAt(place, await fileOf([...lines.slice(0, 4), most, again]))).toBe(6);
});

test('[SE2] a footer that claims other counts or another hash is refused', async () => {
  const place = await furnished();
  expect(await refusedAt(place, await fileOf(lines, { nodes: 2 }), { sessionId: 'a' })).toBe(7);
  expect(await refusedAt(place, await fileOf(lines, { attachments: 2 }), { sessionId: 'b' })).toBe(7);
  expect(await refusedAt(place, file.replace('1970', '1971'), { sessionId: 'c' })).toBe(7);
});

test('[SE2] more attachments, nodes or models than allowed are refused', async () => {
  const place = await furnished(4);
  expect(await refusedAt(place, file, { sessionId: 'a' })).toBe(2);
  const roomy = await furnished();
  expect(await refusedAt(roomy, file, { sessionId: 'b', limits: { attachmentBytes: 4 } })).toBe(2);
  expect(await refusedAt(roomy, file, { sessionId: 'c', limits: { nodes: 2 } })).toBe(6);
  const named = Array.from({ length: 300 }, (_, index) => {
    return lines[4]!.replace('"op-1.1"', `"n${index}"`).replace('"model":"m"', `"model":"m${index}"`);
  });
  expect(await refusedAt(roomy, await fileOf([...lines, ...named]), { sessionId: 'd' })).toBe(6 + 256);
});

test('[SE2] a text that is not UTF-8 is refused', async () => {
  const bytes = new TextEncoder().encode(file);
  const at = file.indexOf('"deep"') + 1;
  bytes[at] = 0xff;
  expect(await refusedAt(await furnished(), new Blob([bytes]))).toBe(6);
});

test('[ST13] an import takes no id that is used, and leaves that session as it is', async () => {
  const place = await furnished();
  const before = await storedIn(place);
  await expect(imported(place, file, { sessionId: 'mine' })).rejects.toMatchObject({ code: 'SessionExists' });
  expect(await storedIn(place)).toEqual(before);
});

/** A line with one thing about it changed; it may still be sound. */
function mutated(text: string, next: (end: number) => number, others: readonly string[]): string {
  const at = next(text.length);
  switch (next(8)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(32 + next(95)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + next(20));
    case 2:
      return text.slice(0, at) + text.slice(Math.max(0, at - next(40)));
    case 3: {
      const other = others[next(others.length)]!;
      return text.slice(0, at) + other.slice(next(other.length));
    }
    default:
      return JSON.stringify(mutatedValue(JSON.parse(text), next, others));
  }
}

const STRANGE = [
  null,
  true,
  -1,
  0.5,
  1e308,
  2 ** 60,
  '',
  'x',
  [],
  {},
  [[]],
  '__proto__',
  '1970-01-01T00:00:00.000Z',
];

function mutatedValue(value: unknown, next: (end: number) => number, others: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || next(4) === 0) return STRANGE[next(STRANGE.length)];
  const entries = Object.entries(value as Record<string, unknown>);
  const index = next(entries.length || 1);
  const entry = entries[index];
  if (entry === undefined) return STRANGE[next(STRANGE.length)];
  const [key, item] = entry;
  const other = JSON.parse(others[next(others.length)]!) as Record<string, unknown>;
  const changes: readonly (() => [string, unknown][])[] = [
    () => entries.toSpliced(index, 1),
    () => [...entries, [key, other[key] ?? item]],
    () => entries.with(index, [key, entries[next(entries.length)]![1]]),
    () => entries.with(index, [key, mutatedValue(item, next, others)]),
    () => entries.with(index, [key, mutatedValue(item, next, others)]),
    () => [...entries, [['__proto__', 'node_id', 'lash_web', 'type'][next(4)]!, item]],
  ];
  const changed = changes[next(changes.length)]!();
  if (Array.isArray(value)) return changed.map(([, each]) => each);
  return Object.fromEntries(changed);
}

/** The line for which a file is refused; `undefined` if it is imported. */
async function lineRefused(place: Place, hostile: string, sessionId: string): Promise<number | undefined> {
  try {
    await imported(place, hostile, { sessionId });
    return undefined;
  } catch (error) {
    if (!isLashError(error, 'ImportInvalid')) throw new Error(hostile, { cause: error });
    return error.data.line;
  }
}

/** Reads a session in every way there is; a hole would be an error. */
async function readWhole(place: Place, sessionId: string): Promise<void> {
  const store = await place.factory.open(sessionId, { kind: 'open' });
  const { nodes, head } = await store.load({ kind: 'all' });
  const tree = (await treeOf(store)) as { readonly nodes: readonly unknown[] };
  expect(tree.nodes).toHaveLength(nodes.length);
  expect((await store.load({ kind: 'path' })).nodes).toHaveLength(head.depth);
  expect(await exported(place, sessionId)).not.toBe('');
}

const MUTATIONS = Number(process.env['LASH_MUTATIONS'] ?? 2000);

test(`[SE2] ${MUTATIONS} mutated lines: each file is imported whole, or refused with nothing changed`, async () => {
  const next = dice(20_260_101);
  const origin = memoryPlace();
  await grow(origin, 77, 25);
  const sound = linesOf(await exported(origin));
  let place = await furnished();
  let before = JSON.stringify(await storedIn(place));
  const seen = { imported: 0, refused: 0 };
  for (let run = 0; run < MUTATIONS; run++) {
    const at = next(sound.length);
    const text = mutated(sound[at]!, next, sound);
    const hostile = await fileOf(sound.with(at, text));
    const sessionId = `run-${run}`;
    const line = await lineRefused(place, hostile, sessionId);
    if (line === undefined) {
      await readWhole(place, sessionId);
      seen.imported++;
      place = await furnished();
      before = JSON.stringify(await storedIn(place));
    } else if (line > 0 && JSON.stringify(await storedIn(place)) === before) seen.refused++;
    else throw new Error(`run ${run} changed something, or names no line: ${text}`);
  }
  expect(seen.imported).toBeGreaterThan(MUTATIONS / 50);
  expect(seen.refused).toBeGreaterThan(MUTATIONS / 4);
}, 3_600_000);
