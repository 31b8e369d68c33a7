import { describe, expect, test } from 'vitest';

import { LashError, toWireError, type LashErrorCode, type LashErrorData } from '../../src/core/error.ts';
import { adviceFor } from '../../src/demo/app/error-advice.ts';
import { NotAttachable } from '../../src/demo/app/not-attachable.ts';

type Samples = { readonly [Code in LashErrorCode]: readonly LashErrorData[Code][] };

/** Data of every code, with and without the fields that may be absent. */
const SAMPLES: Samples = {
  InvalidInput: [{ path: 'input.parts', reason: 'is empty' }],
  NotData: [{ path: 'input.parts.0' }],
  InvalidEnvironment: [{ field: 'limits', reason: 'is too small' }],
  Unsupported: [{ feature: 'images in tool results' }],
  SessionNotFound: [{ sessionId: 's' }],
  SessionExists: [{ sessionId: 's' }],
  SessionDeleted: [{ sessionId: 's' }],
  SessionInUse: [{ sessionId: 's' }],
  SessionClosed: [{ sessionId: 's' }],
  NodeNotFound: [{ sessionId: 's', nodeId: 'n' }],
  ReadOnly: [{ sessionId: 's' }],
  HeadRevisionConflict: [{ expected: 1, actual: 2 }],
  WriterFenced: [{ expected: 1, actual: 2 }],
  StaleBranch: [{ leaf: null }, { leaf: 'n' }],
  OperationConflict: [{ operationId: 'o' }],
  TaskConflict: [{ sessionId: 's', taskId: 't', expected: 1, actual: 2 }],
  ComponentNotFound: [{ sessionId: 's', componentId: 'c' }],
  SessionHeldElsewhere: [
    { sessionId: 's', turnId: null },
    { sessionId: 's', turnId: 't' },
  ],
  CommitBudgetExceeded: [{ rows: 1, bytes: 5 * 1024 * 1024, maxRows: 1, maxBytes: 1024 * 1024 }],
  StoredDataCorrupt: [{ sessionId: 's', nodeId: null, reason: 'a parent is missing' }],
  StorageFull: [{}, { attemptedBytes: 1 }],
  StorageUnavailable: [{ database: 'd', reason: 'blocked' }],
  SchemaTooNew: [{ database: 'd' }],
  StorageWiped: [{ database: 'd' }],
  SessionLost: [{ sessionId: 's', reason: 'it is older' }],
  StorageBlocked: [{ database: 'd', reason: 'frozen' }],
  ImportInvalid: [{ line: 3, reason: 'it is not UTF-8' }],
  AttachmentNotFound: [{ attachmentId: 'a' }],
  AttachmentTooLarge: [{ byteLength: 11 * 1024 * 1024, maxBytes: 10 * 1024 * 1024 }],
  UnsupportedMedia: [{ mime: 'image/webp' }],
  TurnRunning: [{ sessionId: 's', turnId: 't' }],
  TurnLimitReached: [{ limit: 'steps', max: 7 }],
  TurnNotFound: [{ sessionId: 's', turnId: 't' }],
  InputNotQueued: [{ inputId: 't', status: 'ended' }],
  ToolTimeout: [{ tool: 'saw' }],
  ToolDenied: [{ tool: 'saw' }],
  ToolOutcomeUnknown: [{ tool: 'saw' }],
  AnswerInvalid: [{ path: '#', reason: 'is no city' }],
  Cancelled: [{ reason: 'stopped' }],
  ToolNotFound: [{ tool: 'saw' }],
  InvalidToolArguments: [{ tool: 'saw', path: 'teeth', reason: 'is no number' }],
  ToolUnavailable: [{ tool: 'saw' }],
  ToolFailed: [{ class: 'external', retryAfterMs: 5, data: { left: 0 } }],
  PluginFailed: [{ plugin: 'notes', hook: 'prompt', problem: 'threw' }],
  PluginActionNotFound: [{ plugin: 'notes', action: 'add' }],
  TurnAborted: [{ plugin: 'notes', reason: 'it is late' }],
  PluginStateRefused: [{ plugin: 'notes', stored: 1, version: 2, reason: 'it has no migration' }],
  PluginStateReadOnly: [{ plugin: 'notes' }],
  TaskExists: [{ sessionId: 's', taskId: 't' }],
  TaskNotFound: [{ sessionId: 's', taskId: 't' }],
  TaskEnded: [
    { taskId: 't', state: 'completed', move: 'cancel' },
    { taskId: 't', state: 'odd', move: 'cancel' },
  ],
  InvalidTaskMove: [{ taskId: 't', state: 'cancel_requested', move: 'pause' }],
  TaskNotDefined: [{ name: 'watch' }],
  TaskLost: [{ taskId: 't', attempt: 1 }],
  ChildLimitReached: [
    { sessionId: 's', limit: 'depth', max: 4 },
    { sessionId: 's', limit: 'open', max: 16 },
  ],
  ProviderNotFound: [{ providerId: 'p' }],
  CredentialsRequired: [{ name: 'key' }],
  ProviderUnauthorized: [{ status: 401 }],
  ProviderRateLimited: [{ status: 429 }, { status: 429, retryAfterMs: 2500 }],
  ProviderUnavailable: [{}, { status: 503 }, { status: 503, retryAfterMs: 1000 }],
  ProviderRejected: [{}, { status: 400 }],
  ProviderStreamInterrupted: [{}],
  ProviderStreamInvalid: [{}],
  ProviderEmptyResponse: [{}],
  ContextOverflow: [{}, { maxContextTokens: 8192 }],
  ContentFiltered: [{}],
  OutputLimitReached: [{}],
  ModuleLoadFailed: [{ module: 'turn-engine' }],
  WorkerLoadFailed: [{ causes: ['the file is not there', 'a syntax error'] }],
  WorkerUnresponsive: [{}],
  WorkerLost: [{}],
  ProtocolMismatch: [{ page: 1, worker: 2 }],
  CannotReconnect: [{}],
  ClientClosed: [{}],
  Internal: [{}],
};

const errors = (Object.keys(SAMPLES) as LashErrorCode[]).flatMap((code) =>
  SAMPLES[code].map((data) => ({
    name: `${code} ${JSON.stringify(data)}`,
    code,
    error: new LashError(code, 'what the machine said', data),
  })),
);

describe('advice on an error', () => {
  test.each(errors)('has a whole sentence for people: $name', ({ code, error }) => {
    const { text, detail, code: said } = adviceFor(error);
    expect(said).toBe(code);
    expect(text).toMatch(/^[A-Z“].{15,}[.]$/u);
    expect(text).not.toMatch(/undefined|null|NaN|\[object|\{|\}|\$/u);
    expect(text).not.toContain(code);
    expect(detail).toBe(`${code}: what the machine said`);
  });

  test.each(errors)('is the same for what a failed turn reports: $name', ({ error }) => {
    expect(adviceFor(structuredClone(toWireError(error)))).toEqual(adviceFor(error));
  });

  test('says something else for each code, so that no two are mistaken for each other', () => {
    const texts = errors.map(({ error }) => adviceFor(error).text);
    const repeated = texts.filter((text, index) => texts.indexOf(text) !== index);
    // These say the same whether or not the server or the browser told more.
    const known = errors
      .filter(({ name }) => /^(?:StaleBranch|StorageFull|ProviderUnavailable) \{".*\}$/.test(name))
      .map(({ error }) => adviceFor(error).text);
    expect(repeated.filter((text) => !known.includes(text))).toEqual([]);
  });

  test('tells what the error knows', () => {
    const text = <Code extends LashErrorCode>(code: Code, data: LashErrorData[Code]): string =>
      adviceFor(new LashError(code, '', data)).text;
    expect(text('AttachmentTooLarge', { byteLength: 11 * 1024 * 1024, maxBytes: 10 * 1024 * 1024 })).toMatch(
      /11 MB.*10 MB/,
    );
    expect(text('ProviderRateLimited', { status: 429, retryAfterMs: 2500 })).toContain('Wait 2.5 s');
    expect(text('ProviderUnavailable', {})).toContain('CORS');
    expect(text('ProviderUnavailable', { status: 503 })).toContain('(503)');
    // A server answers the same to a wrong key and to none.
    expect(text('ProviderUnauthorized', { status: 401 })).toMatch(/\(401\).* is wrong, or there is none\./);
    expect(text('UnsupportedMedia', { mime: 'image/webp' })).toContain('image/webp');
    expect(text('WorkerLoadFailed', { causes: ['a', 'b'] })).toContain('a; b');
  });

  test('sends nobody to a new chat where the newest message alone is too long: the runtime left out all others', () => {
    const known = adviceFor(new LashError('ContextOverflow', '', { maxContextTokens: 8192 })).text;
    expect(known).toMatch(/^This message, .* Shorten it, attach it as a file, /);
    expect(known).not.toContain('new chat');
    // Where nobody knows how much fits, older messages were not left out.
    expect(adviceFor(new LashError('ContextOverflow', '', {})).text).toMatch(/Shorten .*new chat/);
  });

  test('leads into the settings where these are the place to put it right', () => {
    const inSettings = errors.filter(({ error }) => adviceFor(error).inSettings).map(({ code }) => code);
    expect([...new Set(inSettings)]).toEqual([
      'ProviderNotFound',
      'CredentialsRequired',
      'ProviderUnauthorized',
      'ProviderUnavailable',
      'ProviderRejected',
      'ProviderStreamInvalid',
    ]);
  });
});

describe('advice on what is not ours', () => {
  test('keeps what was thrown in the details', () => {
    expect(adviceFor(new TypeError('x is not a function'))).toMatchObject({
      code: 'Unknown',
      detail: 'TypeError: x is not a function',
    });
    expect(adviceFor('a string').detail).toBe('a string');
    expect(adviceFor(null).detail).toBe('null');
    expect(adviceFor(undefined).text).toContain('Something went wrong.');
  });

  test('names the file that was not attached', () => {
    expect(adviceFor(new NotAttachable('song.mp3'))).toEqual({
      code: 'Unknown',
      text: 'song.mp3 is neither a picture (PNG, JPEG, GIF, WebP) nor a text file. It was not attached.',
      inSettings: false,
    });
  });
});
