import * as v from 'valibot';
import { Failure } from '../host/failure.ts';
import { nearest } from '../host/nearest.ts';
import { preview } from '../host/preview.ts';

/** A file that people edit, read and parsed, whose errors name the line. */
export interface Document {
  /** As the user named it, or absolute. */
  file: string;
  text: string;
  value: unknown;
  /** What to do when it is broken, as a sentence. */
  next: string;
}

/**
 * The document's value, of the schema's type.
 * @throws Failure that names file, line and key, what was expected and what was found
 */
export function checkDocument<const Schema extends v.GenericSchema>(
  schema: Schema,
  document: Document,
): v.InferOutput<Schema> {
  const { file, text, value, next } = document;
  refuseReservedNames(document);
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const problems = result.issues.slice(0, 5).map(issue => {
    const path = (issue.path ?? []).map(({ key }) => String(key));
    return `${file}:${lineOf(text, path)}: ${path.join('.')}: ${complaint(issue)}`;
  });
  throw new Failure(`${file} is not as it should be.`, { evidence: problems, next });
}

/** Names that every object has of its own in this language; the schemas would pass over them. */
const reserved = ['__proto__', 'constructor', 'prototype'];

function refuseReservedNames(document: Document): void {
  const pending: { value: unknown; path: readonly string[] }[] = [
    { value: document.value, path: [] },
  ];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (typeof at.value !== 'object' || at.value === null) continue;
    const found = reserved.find(name => Object.hasOwn(Object(at.value), name));
    if (found !== undefined) {
      throw wrongAt(document, [...at.path, found], 'this name is reserved; choose another.');
    }
    // documents are a few levels deep, and an error names the first of them
    const parent = at.path.slice(0, 8);
    for (const [key, value] of Object.entries(at.value))
      pending.push({ value, path: [...parent, key] });
  }
}

/** An error at a key of the document. */
export function wrongAt(document: Document, path: readonly string[], problem: string): Failure {
  const { file, text, next } = document;
  return new Failure(`${file}:${lineOf(text, path)}: ${path.join('.')}: ${problem}`, { next });
}

/** An object without any other keys; one that is not known brings up the nearest that is. */
export function closed<const Entries extends v.ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries);
  return v.strictObject(entries, ({ expected, received }) => {
    if (expected !== 'never') return 'a table';
    return `there is no such key; did you mean ${nearest(received, known)}?`;
  });
}

function complaint({ type, expected, message, input }: v.BaseIssue<unknown>): string {
  if (input === undefined) return 'it is missing';
  if (type === 'strict_object' && expected === 'never') return message;
  return `expected ${message}, found ${preview(input)}`;
}

/**
 * The line of a key, counted from 1: of JSON and TOML alike, for layouts that people and this
 * program write (a key stands before the first `=` or `:` of its line).
 */
function lineOf(text: string, path: readonly string[]): number {
  const lines = text.split('\n');
  let at = 0;
  for (const key of path.filter(each => !/^\d+$/.test(each))) {
    const word = key.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    const pattern = new RegExp(`^[^#=:]*(?<![\\w-])${word}(?![\\w-])`);
    const found = lines.findIndex((line, index) => index >= at && pattern.test(line));
    if (found >= 0) at = found;
  }
  return at + 1;
}
