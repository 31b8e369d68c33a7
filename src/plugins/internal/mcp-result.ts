import type { ToolContext, ToolReturn } from '../../contract/tool.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import { isLashError } from '../../core/error.ts';
import { findNonJson, type JsonValue } from '../../core/json.ts';
import { toolResult } from '../../core/tool-result.ts';
import { serverFailure } from './mcp-failure.ts';

type Fields = Readonly<Record<string, unknown>>;
type AttachmentStore = ToolContext['attachmentStore'];

/** How many attachments one result may have. */
const MAX_ATTACHMENTS = 20;

/**
 * What a server answered to a call, as a tool returns it: its structured content, or else its text; images and other bytes as
 * attachments.
 *
 * @throws `ToolFailed` where the server says that the tool failed, or says nothing that can be used
 */
export async function readResult(
  answer: unknown,
  server: string,
  tool: string,
  store: AttachmentStore,
): Promise<ToolReturn> {
  const path = findNonJson(answer);
  if (!isFields(answer) || path !== undefined) {
    const words = `answered with something that is no result${path === undefined ? '' : `, at ${path}`}`;
    throw serverFailure(server, 'mcp_protocol_error', words, { class: 'external' });
  }
  const { structuredContent, content = [], isError } = answer;
  const blocks = (Array.isArray(content) ? content : []).filter(isFields);
  if (isError === true) {
    const said = blocks.flatMap(textOf).join('\n') || 'It does not say why.';
    throw serverFailure(server, 'mcp_tool_error', `says that ${tool} failed: ${said}`, {
      class: 'execution',
    });
  }
  const attachments: AttachmentRef[] = [];
  const lines: string[] = [];
  for (const block of blocks) {
    const bytes = bytesOf(block);
    if (bytes === undefined) lines.push(...textOf(block));
    else if (bytes === null) lines.push('[something that cannot be decoded]');
    else if (attachments.length === MAX_ATTACHMENTS) lines.push(`[${bytes.mime}: one too many]`);
    else {
      const ref = await put(bytes, store);
      if (ref === null) lines.push(`[${bytes.mime}: too large to be kept]`);
      else attachments.push(ref);
    }
  }
  // What crossed the wire as JSON is data.
  const value = structuredContent === undefined ? lines.join('\n') : (structuredContent as JsonValue);
  return attachments.length === 0 ? value : toolResult(value, { attachments });
}

/** The text of a block, if it has some. */
function textOf(block: Fields): readonly string[] {
  const { type, text, resource, uri, name } = block;
  if (type === 'text' && typeof text === 'string') return [text];
  if (type === 'resource_link' && typeof uri === 'string')
    return [typeof name === 'string' ? `${name}: ${uri}` : uri];
  if (type === 'resource' && isFields(resource) && typeof resource['text'] === 'string')
    return [resource['text']];
  return [];
}

interface Bytes {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly mime: string;
}

/** The bytes of a block; `null` where they cannot be decoded, `undefined` where it has none. */
function bytesOf({ type, data, mimeType, resource }: Fields): Bytes | null | undefined {
  const isMedia = type === 'image' || type === 'audio';
  const [text, mime] = isMedia
    ? [data, mimeType]
    : type === 'resource' && isFields(resource)
      ? [resource['blob'], resource['mimeType']]
      : [];
  if (typeof text !== 'string') return isMedia ? null : undefined;
  try {
    const decoded = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return { data: decoded, mime: mimeOf(mime, decoded) };
  } catch {
    return null;
  }
}

async function put({ data, mime }: Bytes, store: AttachmentStore): Promise<AttachmentRef | null> {
  try {
    return await store.put(data, { mime });
  } catch (error) {
    if (isLashError(error, 'AttachmentTooLarge')) return null;
    throw error;
  }
}

const UNKNOWN = 'application/octet-stream';

/** How images begin that models are shown, as Latin-1. */
const IMAGES: readonly (readonly [mime: string, start: string])[] = [
  ['image/png', '\x89PNG\r\n\x1A\n'],
  ['image/jpeg', '\xFF\xD8\xFF'],
  ['image/gif', 'GIF8'],
  ['image/webp', 'RIFF'],
];

/** The type of bytes. An image that is none would be shown to the model again and again, and refused each time. */
function mimeOf(mime: unknown, bytes: Uint8Array): string {
  if (typeof mime !== 'string' || !/^[\w.+-]{1,64}\/[\w.+-]{1,64}$/u.test(mime)) return UNKNOWN;
  const said = mime.toLowerCase();
  if (!said.startsWith('image/')) return said;
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  return IMAGES.find(([, begin]) => start.startsWith(begin))?.[0] ?? UNKNOWN;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
