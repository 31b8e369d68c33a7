/**
 * What a server is like. `whole` keeps sessions, as before July 2026; `modern` is of the revision of that month alone; `strict`
 * allows a page only those headers that older servers know. `absent` closes each connection, `mute` never answers, `page` is no
 * MCP server, `closed` refuses everybody, `flood` answers without an end, `paged` lists without one. `lying` is no official server:
 * what it lists and answers is not as it should be.
 */
export type McpKind =
  | 'whole'
  | 'modern'
  | 'strict'
  | 'absent'
  | 'mute'
  | 'page'
  | 'closed'
  | 'flood'
  | 'lying'
  | 'paged';

/** A schema with words that not everybody keeps. */
export const ECHO_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  title: 'Echo',
  properties: { text: { type: 'string', minLength: 1, examples: ['hi'] } },
  required: ['text'],
  additionalProperties: false,
  'x-kept': [1, { two: null }],
} as const;
