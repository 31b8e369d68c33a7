/** An object of which nobody knows what is in it. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is absent, or of that type. */
export function isOptional(type: 'boolean' | 'number' | 'string', value: unknown): boolean {
  return value === undefined || typeof value === type;
}
