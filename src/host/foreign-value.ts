import { jsonExcess } from './json-size.ts';

/** The fields of a foreign object, each of which may be anything. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * What JSON of others says; undefined where it is no JSON, or more than is parsed. Nothing of its text
 * is told, as the parser's own words would do: there may be a secret in it.
 */
export function jsonValue(text: string): unknown {
  if (jsonExcess(text) !== undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a foreign value is an object with fields: not null, and no list. */
export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields of a foreign value; none where it is no object. */
export const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : {});
