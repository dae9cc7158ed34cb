import * as v from 'valibot';
import { isRecord, jsonValue } from './foreign-value.ts';

/**
 * What a schema makes of a JSON object of others; undefined where the text is none, or more than
 * documents are, or does not fit. Nothing of it is told, as the parser's own message would: it may be
 * secret.
 */
export function readJson<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> | undefined {
  const value = jsonValue(text);
  // to a schema a list is an object too
  const { success, output } = v.safeParse(schema, isRecord(value) ? value : null);
  return success ? output : undefined;
}

/** A field that counts as absent where it is not as it should be. */
export const lenient = <Output>(schema: v.GenericSchema<unknown, Output>) =>
  v.fallback(v.optional(schema), undefined);
