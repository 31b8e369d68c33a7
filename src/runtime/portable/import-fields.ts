import type { LashError } from '../../core/error.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { isObject } from './hostile-json.ts';
import { importInvalid } from './import-error.ts';

/**
 * An object of an import line. Whoever reads asks for each field that it knows; what is not asked for stays behind. Every
 * method throws `ImportInvalid`, naming line and field, for what is missing or of another kind.
 */
export class ImportFields {
  readonly line: number;
  readonly #path: string;
  readonly #values: JsonObject;

  constructor(value: JsonValue | undefined, line: number, path = '') {
    this.line = line;
    this.#path = path;
    if (!isObject(value)) throw importInvalid(line, `${path === '' ? 'it' : path} is not an object`);
    this.#values = value;
  }

  /** The error for a field that is not as it must be. */
  fault(name: string, reason: string): LashError<'ImportInvalid'> {
    return importInvalid(this.line, `${this.#pathOf(name)} ${reason}`);
  }

  /** Any JSON value. */
  json(name: string): JsonValue {
    const value = this.optionalJson(name);
    if (value === undefined) throw this.fault(name, 'is missing');
    return value;
  }

  optionalJson(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  text(name: string): string {
    const value = this.json(name);
    if (typeof value !== 'string') throw this.fault(name, 'is not a string');
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.optionalJson(name) === undefined ? undefined : this.text(name);
  }

  /** A string, or `null`. */
  textOrNull(name: string): string | null {
    return this.json(name) === null ? null : this.text(name);
  }

  /** One of these strings. */
  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const text = this.text(name);
    const found = values.find((value) => value === text);
    if (found === undefined) throw this.fault(name, `is none of ${values.join(', ')}`);
    return found;
  }

  number(name: string): number {
    const value = this.json(name);
    if (typeof value !== 'number') throw this.fault(name, 'is not a number');
    return value;
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.number(name);
    if (!Number.isSafeInteger(value) || value < 0) throw this.fault(name, 'is not a whole number from 0 on');
    return value;
  }

  optionalCount(name: string): number | undefined {
    return this.optionalJson(name) === undefined ? undefined : this.count(name);
  }

  optionalObject(name: string): JsonObject | undefined {
    const value = this.optionalJson(name);
    if (value !== undefined && !isObject(value)) throw this.fault(name, 'is not an object');
    return value;
  }

  fields(name: string): ImportFields {
    return new ImportFields(this.json(name), this.line, this.#pathOf(name));
  }

  optionalFields(name: string): ImportFields | undefined {
    return this.optionalJson(name) === undefined ? undefined : this.fields(name);
  }

  /** The items of a list of objects. */
  list(name: string): readonly ImportFields[] {
    const value = this.json(name);
    if (!Array.isArray(value)) throw this.fault(name, 'is not a list');
    return value.map((item: JsonValue, index) => {
      return new ImportFields(item, this.line, `${this.#pathOf(name)}[${index}]`);
    });
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
