import type { JsonValue } from './json.ts';

/** What a page asks of a plugin. */
export interface ActionRequest {
  /** The plugin's id. */
  readonly plugin: string;
  readonly action: string;
  /** Default: `null`. */
  readonly args?: JsonValue;
}
