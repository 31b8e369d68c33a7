import { isLashError, type LashErrorCode, type LashErrorData, type WireError } from 'lash-web';

import { byteCount, duration } from './format.ts';
import { NotAttachable } from './not-attachable.ts';

/** An error in plain words: what happened, and what to do. */
export interface Advice {
  readonly code: LashErrorCode | 'Unknown';
  readonly text: string;
  /** Whether the settings are the place to put it right. */
  readonly inSettings: boolean;
  /** What the machine said, for those who want to know. */
  readonly detail?: string;
}

type Words<Code extends LashErrorCode> = (data: LashErrorData[Code]) => string;

const SAME_PLACE = 'Nothing was changed.';
const REPORT = 'That is a mistake in this app, not yours; the details below help to find it.';

const ENDED: Readonly<Record<string, string>> = {
  completed: 'was done',
  failed: 'failed',
  cancelled: 'was stopped',
};

const WORDS: { readonly [Code in LashErrorCode]: Words<Code> } = {
  InvalidInput: ({ path, reason }) => `That cannot be used: ${path} ${reason}.`,
  NotData: ({ path }) => `The message holds something that is not plain data (at ${path}). It was not sent.`,
  InvalidEnvironment: ({ field, reason }) => `The app is set up wrongly: ${field} ${reason}.`,
  Unsupported: ({ feature }) => `This version cannot do that yet: ${feature}.`,

  SessionNotFound: () =>
    'There is no such chat in this browser. It may have been deleted; pick another one from the list.',
  SessionExists: () => 'A chat with this id exists already. Open it from the list.',
  SessionDeleted: () => 'This chat was deleted. Pick another one from the list.',
  SessionInUse: () => 'This chat is open already. Close it there, or reload the page.',
  SessionClosed: () => 'This chat was closed. Open it again from the list.',
  NodeNotFound: () => 'That message does not exist any more. Open the chat again to see what there is.',
  ReadOnly: () => 'This chat is open for reading only, so nothing can be added to it.',

  HeadRevisionConflict: () =>
    `This chat was changed elsewhere at the same moment. ${SAME_PLACE} Open it again and retry.`,
  WriterFenced: () =>
    'Another tab took this chat over, and goes on with what was being written here. It shows up here as it happens.',
  StaleBranch: () => `This chat moved to another branch meanwhile. ${SAME_PLACE} Open it again and retry.`,
  OperationConflict: () => `This was sent before with other content. ${SAME_PLACE} Please send it again.`,
  TaskConflict: () =>
    `A background task of this chat was changed elsewhere at the same moment. ${SAME_PLACE} Try again.`,
  CommitBudgetExceeded: ({ bytes, maxBytes }) =>
    `That is too much to save at once (${byteCount(bytes)}; the limit is ${byteCount(maxBytes)}). ${SAME_PLACE} Send it in smaller pieces.`,
  ComponentNotFound: () => `A part that this chat refers to is not in storage. ${SAME_PLACE} ${REPORT}`,
  SessionHeldElsewhere: ({ turnId }) =>
    turnId === null
      ? `Another tab is writing this chat. ${SAME_PLACE} Try again in a moment, or take the chat over.`
      : `Another tab is in the middle of an answer in this chat. ${SAME_PLACE} Wait for it, or take the chat over.`,
  StoredDataCorrupt: () =>
    'A part of this chat cannot be read from storage. Nothing was deleted or changed; other chats are not affected.',
  StorageFull: () =>
    'The browser has no space left for this site. What was saved before is safe. Delete chats that you do not need, then try again.',
  StorageUnavailable: () =>
    'The browser does not let the app reach its storage right now. Close other tabs of this app or reload; private windows may forbid it.',
  StorageWiped: () =>
    'The browser, or somebody at it, has deleted the data of this site. The chats that were here are gone; reload the page to start anew.',
  SessionLost: () =>
    'This chat is not as it was left: the browser’s storage holds an older state of it, or none. Pick another one from the list.',
  StorageBlocked: () =>
    'Another tab of this app is frozen in the middle of saving, and keeps the storage to itself. Bring it to the front or close it; this tab goes on by itself then.',
  ImportInvalid: ({ line, reason }) =>
    `Line ${line} of the file cannot be imported: ${reason}. Nothing was imported.`,
  SchemaTooNew: () =>
    'Your chats were saved by a newer version of this app. Reload the page to get that version.',

  AttachmentNotFound: () => 'This attachment is not in storage any more.',
  AttachmentTooLarge: ({ byteLength, maxBytes }) =>
    `That file is too large: ${byteCount(byteLength)}, and the limit is ${byteCount(maxBytes)}. It was not attached.`,
  UnsupportedMedia: ({ mime }) =>
    `The model cannot take files of the type ${mime}. Choose another model, or edit the message and remove the file.`,

  TurnRunning: () => 'An answer is being written already. Wait for it, or stop it first.',
  TurnLimitReached: ({ limit, max }) =>
    `The model used up its ${max} ${limit === 'time' ? 'milliseconds' : limit} and was still not done, so it was stopped. “Continue” lets it go on.`,
  TurnNotFound: () => 'That answer is finished, or was never asked for.',
  InputNotQueued: () => 'That message does not wait any more.',
  Cancelled: () => 'That was stopped.',

  ToolNotFound: ({ tool }) => `The model asked for a tool that does not exist: ${tool}.`,
  InvalidToolArguments: ({ tool, path, reason }) =>
    `The tool ${tool} was called with wrong arguments: ${path} ${reason}.`,
  ToolTimeout: ({ tool }) => `The tool ${tool} took too long and was stopped.`,
  ToolDenied: ({ tool }) => `The tool ${tool} was not allowed to run.`,
  ToolOutcomeUnknown: ({ tool }) =>
    `The tool ${tool} was running when its tab closed. Whether it did anything is unknown.`,
  ToolUnavailable: ({ tool }) => `The tool ${tool} was not offered to the model when it asked for it.`,
  ToolFailed: () => 'A tool could not do what it was asked to.',

  PluginFailed: ({ plugin }) =>
    `The extension ${plugin} of this app failed. The session goes on without that answer.`,
  PluginActionNotFound: ({ plugin }) =>
    `This app has no extension ${plugin} that does this. Reload the page.`,
  TurnAborted: ({ plugin, reason }) => `The extension ${plugin} of this app stopped the answer (${reason}).`,
  PluginStateRefused: ({ plugin }) =>
    `This app cannot read what its extension ${plugin} stored in this session. Nothing was changed; a newer version of the app may read it.`,
  PluginStateReadOnly: ({ plugin }) =>
    `The extension ${plugin} of this app tried to store something outside of a turn.`,

  TaskExists: ({ taskId }) => `There is a task ${taskId} in this chat already. ${REPORT}`,
  TaskNotFound: () => 'That task is not in this chat any more.',
  TaskEnded: ({ state }) => `That task is over already: it ${ENDED[state] ?? 'ended'}.`,
  InvalidTaskMove: ({ state }) =>
    `That task is ${state.replaceAll('_', ' ')}, and this cannot happen to it now.`,
  TaskNotDefined: ({ name }) => `This app does not know tasks called ${name}. ${REPORT}`,
  TaskLost: () => 'The tab that ran this task was closed before the task was done.',
  ChildLimitReached: ({ limit, max }) =>
    limit === 'depth'
      ? `Helpers may have helpers of their own ${max} deep, and no deeper.`
      : `At most ${max} helpers may work for one chat at a time.`,

  ProviderNotFound: ({ providerId }) =>
    `This app does not know the provider “${providerId}”. Choose a model in the settings.`,
  CredentialsRequired: () =>
    'The model server needs an API key. Keys are never saved, so enter it again in the settings; the answer then goes on by itself.',
  ProviderUnauthorized: ({ status }) =>
    `The model server does not let this request in (${status}): the API key is wrong, or there is none. Enter it in the settings.`,
  ProviderRateLimited: ({ retryAfterMs }) =>
    retryAfterMs === undefined
      ? 'The model server takes no more requests for now (429). Wait a little, then press “Continue”.'
      : `The model server takes no more requests for now (429). Wait ${duration(retryAfterMs)}, then press “Continue”.`,
  ProviderUnavailable: ({ status }) =>
    status === undefined
      ? 'The model server cannot be reached. Check that it runs, that the address in the settings is right, and that it allows requests from this page (CORS).'
      : `The model server has a problem of its own (${status}). Your message is saved; press “Continue” to try again.`,
  ProviderRejected: ({ status }) =>
    status === undefined
      ? 'The model refused the request. Choose another one in the settings, or check its name and address there.'
      : `The model server refused the request (${status}). Check the model’s name and the address in the settings.`,
  ProviderStreamInterrupted: () =>
    'The answer broke off before it was finished. Your message is saved; press “Continue” to try again.',
  ProviderStreamInvalid: () =>
    'The model server sent something that cannot be understood. Check that the address in the settings is that of an OpenAI-compatible server.',
  ProviderEmptyResponse: () =>
    'The model answered with nothing at all. Press “Continue” to try again, or choose another model.',
  ContextOverflow: ({ maxContextTokens }) =>
    maxContextTokens === undefined
      ? 'That is longer than the model can read. Shorten the message, start a new chat, or choose a model with a larger context.'
      : 'This message, with the prompt and what tools returned for it, is longer than the model can read. Shorten it, attach it as a file, or choose a model with a larger context.',
  AnswerInvalid: ({ reason }) => `The model’s answer is not the data that was asked for (${reason}).`,
  ContentFiltered: () => 'The model’s safety filter stopped the answer. Edit your message and try again.',
  OutputLimitReached: () =>
    'The model reached the longest answer that it may give. Press “Continue” for more.',

  ModuleLoadFailed: () =>
    'A part of the app could not be loaded. Check that you are online and try again; if it stays so, reload the page.',
  WorkerLoadFailed: ({ causes }) =>
    `The part of the app that runs in the background did not start. Usual causes: ${causes.join('; ')}.`,
  WorkerUnresponsive: () =>
    'The background part of this app does not answer. Reload the page; nothing that was saved is lost.',
  WorkerLost: () =>
    'The part of the app that runs in the background has ended. What was saved is safe; reconnect to go on.',
  ProtocolMismatch: () => 'A part of the app is of another version. Reload the page.',
  CannotReconnect: () => 'The app cannot restart its background part by itself. Reload the page.',
  ClientClosed: () => 'The app was closed. Reload the page.',
  Internal: () => `Something went wrong inside. ${REPORT}`,
};

const IN_SETTINGS: readonly LashErrorCode[] = [
  'ProviderNotFound',
  'CredentialsRequired',
  'ProviderUnauthorized',
  'ProviderUnavailable',
  'ProviderRejected',
  'ProviderStreamInvalid',
];

/** `error` in plain words, whether it was thrown or is what a failed turn reports. */
export function adviceFor(error: unknown): Advice {
  if (error instanceof NotAttachable)
    return { code: 'Unknown', text: `${error.message} It was not attached.`, inSettings: false };
  if (!isLashError(error) && !isWireError(error)) {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { code: 'Unknown', text: `Something went wrong. ${REPORT}`, inSettings: false, detail };
  }
  const words = WORDS[error.code] as (data: unknown) => string;
  return {
    code: error.code,
    text: words(error.data),
    detail: `${error.code}: ${error.message}`,
    inSettings: IN_SETTINGS.includes(error.code),
  };
}

function isWireError(value: unknown): value is WireError {
  return typeof value === 'object' && value !== null && 'lash' in value && value.lash === 1;
}
