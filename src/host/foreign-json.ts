import * as v from 'valibot';
import { jsonExcess } from './json-size.ts';

/**
 * What a schema makes of a JSON object of others; undefined where the text is none, or more than
 * documents are, or does not fit. Nothing of it is told, as the parser's own message would: it may be
 * secret.
 */
export function readJson<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> | undefined {
  if (jsonExcess(text) !== undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    // to a schema a list is an object too
    const { success, output } = v.safeParse(schema, Array.isArray(value) ? null : value);
    return success ? output : undefined;
  } catch {
    return undefined;
  }
}

/** A field that counts as absent where it is not as it should be. */
export const lenient = <Output>(schema: v.GenericSchema<unknown, Output>) =>
  v.fallback(v.optional(schema), undefined);
