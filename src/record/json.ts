import { Failure } from '../host/failure.ts';
import { preview } from '../host/preview.ts';
import type { AuditRecord } from './audit.ts';
import { recordSchema, type Schema } from './schema.ts';
import type { BuildRecord } from './types.ts';

/** A record (of a build, of an audit) as a file's text. */
export function recordText(record: BuildRecord | AuditRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/**
 * Reads a record; fields that this version does not know are kept.
 * @param origin where the text comes from, for the error
 * @throws Failure that names the field and what was found
 */
export function recordFromJson(json: string, origin: string): BuildRecord {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new Failure(`${origin} is no record of a run: it is not JSON.`, { cause });
  }
  const problem = mismatch(recordSchema, value, 'record');
  if (problem !== undefined) throw new Failure(`${origin} is no record of a run: ${problem}`);
  return value as BuildRecord;
}

/** The first place where a value departs from the schema, as a sentence; undefined when it fits. */
export function mismatch(schema: Schema, value: unknown, at: string): string | undefined {
  const wrong = (expected: string) => `${at} should be ${expected}, found ${preview(value)}.`;
  if (schema.const !== undefined && value !== schema.const) return wrong(String(schema.const));
  if (schema.enum !== undefined && !schema.enum.some(each => each === value)) {
    return wrong(schema.enum.join(' or '));
  }
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some(type => hasType(type, value)))
    return wrong(types.join(' or '));
  if (typeof value === 'string' && schema.pattern !== undefined) {
    return new RegExp(schema.pattern).test(value) ? undefined : wrong(`like ${schema.pattern}`);
  }
  if (typeof value === 'number' && schema.minimum !== undefined && value < schema.minimum) {
    return wrong(`at least ${schema.minimum}`);
  }
  return childMismatch(schema, value, at);
}

function childMismatch(schema: Schema, value: unknown, at: string): string | undefined {
  if (Array.isArray(value)) {
    const { items } = schema;
    return (
      items &&
      firstProblem(value.map((item, index) => () => mismatch(items, item, `${at}[${index}]`)))
    );
  }
  if (!isObject(value)) return undefined;
  const missing = schema.required?.find(name => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${at}.${missing} is missing.`;
  const known = Object.entries(schema.properties ?? {}).filter(([name]) =>
    Object.hasOwn(value, name),
  );
  return firstProblem(
    known.map(
      ([name, inner]) =>
        () =>
          mismatch(inner, value[name], `${at}.${name}`),
    ),
  );
}

function firstProblem(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const problem = check();
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function hasType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
