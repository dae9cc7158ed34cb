import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { valid } from '@renovatebot/pep440';
import * as v from 'valibot';
import { readDocument } from '../host/document-file.ts';
import { limits } from '../host/limits.ts';
import { type OutputHost, writeOutput } from '../host/output-file.ts';
import { writeFailure } from '../host/partial-files.ts';
import { checkDocument, type Document, wrongAt } from './document.ts';
import { parseJson } from './json.ts';
import { pythonTag, type Variant } from './variant.ts';

/** How sure a digest is: told by an index or release, computed from the bytes, or only copied. */
export type DigestOrigin = 'index' | 'release' | 'download' | 'unconfirmed';

/** One wheel for one variant. */
export interface WheelPin {
  /** With its local part: "2.10.0+cu130". */
  version: string;
  /** As it is fetched; `%2B` is kept. */
  url: string;
  /** SRI, always sha256. */
  hash: string;
  /** Bytes; null where nobody told. */
  size: number | null;
  /** The index, or `github:owner/repo@tag`. */
  source: string;
  digest: DigestOrigin;
  /** SRI sha256 of its tree as a NAR (docs/wheel-trees.md). */
  unpacked?: string | undefined;
  /** Folders of it that its tree lacks. */
  leftOut?: readonly string[] | undefined;
  /** Why it is unconfirmed, as a sentence. */
  note?: string | undefined;
  /** Where it goes in the image, by the rules of wheels.toml. */
  layer?: string | undefined;
  /** Lists and projects that require it, sorted. */
  requiredBy?: readonly string[] | undefined;
}

/** What a source that is built, or that a list names, needs. */
interface PinnedNeeds {
  /** Of one that is built and installed: projects that building it takes. */
  buildRequires?: readonly string[] | undefined;
  /** What it requires when it runs: lines of a requirements list. */
  requires?: readonly string[] | undefined;
}

/** A Git checkout. */
export interface GitPin extends PinnedNeeds {
  url: string;
  /** The branch, tag or commit that was asked for. */
  ref: string;
  /** 40 hex digits. */
  rev: string;
  /** SRI sha256 of the checkout's NAR, without `.git`. */
  hash: string;
  digest: 'download' | 'unconfirmed';
  note?: string | undefined;
}

/** A source archive, which is built and installed. */
export interface ArchivePin extends PinnedNeeds {
  url: string;
  /** As its name says. */
  version?: string | undefined;
  /** SRI sha256 of the file. */
  hash: string;
  /** Bytes. */
  size: number;
  /** The index that has it; none: it was named by its address. */
  source?: string | undefined;
  digest: 'index' | 'download';
}

export type SourcePin = GitPin | ArchivePin;

/** `wheels.lock.json`. */
export interface Lock {
  version: 1;
  /** System → CUDA → Python tag → project → pin. */
  wheels: Record<string, Record<string, Record<string, Record<string, WheelPin>>>>;
  sources: Record<string, SourcePin>;
}

/** SRI's form (W3C Subresource Integrity): 32 bytes in base64. */
export const sriPattern = /^sha256-[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

const text = v.string('a text');
const url = v.pipe(text, v.url('an address'), v.regex(/^https?:/, 'an address (https://…)'));
const hash = v.pipe(text, v.regex(sriPattern, 'sha256-… in base64'));
const size = v.nullable(
  v.pipe(v.number('a number'), v.safeInteger('bytes'), v.minValue(0, 'bytes')),
);
const version = v.pipe(
  text,
  v.maxLength(limits.requirement, 'a version of usual length'),
  v.check(each => valid(each) !== null, 'a version'),
);

const wheelSchema = v.object({
  version,
  url,
  hash,
  size,
  source: text,
  digest: v.picklist(
    ['index', 'release', 'download', 'unconfirmed'],
    'index, release, download or unconfirmed',
  ),
  unpacked: v.optional(hash),
  leftOut: v.optional(v.array(text, 'a list')),
  note: v.optional(text),
  layer: v.optional(text),
  requiredBy: v.optional(v.array(text, 'a list')),
});

const needs = {
  buildRequires: v.optional(v.array(text, 'a list')),
  requires: v.optional(v.array(text, 'a list')),
};
const gitSchema = v.object({
  ...needs,
  url: text,
  ref: text,
  rev: v.pipe(text, v.regex(/^[0-9a-f]{40}$/, '40 hex digits')),
  hash,
  digest: v.picklist(['download', 'unconfirmed'], 'download or unconfirmed'),
  note: v.optional(text),
});
const archiveSchema = v.object({
  ...needs,
  url,
  version: v.optional(version),
  hash,
  size: v.pipe(v.number('a number'), v.safeInteger('bytes'), v.minValue(0, 'bytes')),
  source: v.optional(text),
  digest: v.picklist(['index', 'download'], 'index or download'),
});
/** Of a checkout it is told where it is. */
const sourceSchema = v.lazy(input =>
  Object.hasOwn(Object(input), 'size') ? archiveSchema : gitSchema,
);

const table = <Schema extends v.GenericSchema>(of: Schema) => v.record(text, of, 'an object');

const lockSchema = v.object(
  {
    version: v.literal(1, '1'),
    wheels: table(table(table(table(wheelSchema)))),
    sources: v.optional(table(sourceSchema), {}),
  },
  'an object',
);

const repair =
  'Take the file from your version control, or delete it and let comfy-nix prefetch write it anew.';

/**
 * Reads a lock; undefined where there is none yet.
 * @throws Failure that names file, line and what to do
 */
export async function readLock(file: string): Promise<Lock | undefined> {
  const content = await readDocument(file);
  return content === undefined ? undefined : parseLock(content, file);
}

/** The lock in a file's text; `file` is for errors. */
export function parseLock(content: string, file: string): Lock {
  const value = parseJson(content, file, repair);
  const document: Document = { file, text: content, value, next: repair };
  const { version } = Object(value) as { version?: unknown };
  if (typeof version === 'number' && version > 1) {
    const problem = `the format ${version} is of a newer comfy-nix; this one knows 1.`;
    throw wrongAt({ ...document, next: 'Update comfy-nix.' }, ['version'], problem);
  }
  return checkDocument(lockSchema, document);
}

/** The pin of a project in a variant. */
export function pinOf(lock: Lock | undefined, variant: Variant, name: string) {
  const ofPython = lock?.wheels[variant.system]?.[variant.cuda]?.[pythonTag(variant)];
  return ofPython !== undefined && Object.hasOwn(ofPython, name) ? ofPython[name] : undefined;
}

/** Adds a pin. */
export function setPin(lock: Lock, variant: Variant, name: string, pin: WheelPin): void {
  lock.wheels[variant.system] ??= {};
  const ofSystem = lock.wheels[variant.system] ?? {};
  ofSystem[variant.cuda] ??= {};
  const ofCuda = ofSystem[variant.cuda] ?? {};
  const tag = pythonTag(variant);
  ofCuda[tag] = { ...ofCuda[tag], [name]: pin };
}

/** All pins of a lock, in its order. */
export function allPins(lock: Lock): { variant: Variant; name: string; pin: WheelPin }[] {
  return Object.entries(lock.wheels).flatMap(([system, ofSystem]) =>
    Object.entries(ofSystem).flatMap(([cuda, ofCuda]) =>
      Object.entries(ofCuda).flatMap(([tag, wheels]) => {
        const variant = { system, cuda, python: tag.replace(/^cp(\d)/, '$1.') };
        return Object.entries(wheels).map(([name, pin]) => ({ variant, name, pin }));
      }),
    ),
  );
}

/** The file's text: keys sorted, two spaces, a newline at the end. */
export function formatLock(lock: Lock): string {
  return `${JSON.stringify(sorted(lock), null, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** Puts the lock in the file's place at once: whoever reads it sees the old one or the new one. */
export async function writeLock(file: string, lock: Lock, host: OutputHost): Promise<void> {
  await mkdir(dirname(file), { recursive: true }).catch(error => {
    throw writeFailure(error, file);
  });
  await writeOutput(file, formatLock(lock), host);
}

/** SRI of a sha256 in hex. */
export function sriOf(hex: string): string {
  return `sha256-${Buffer.from(hex, 'hex').toString('base64')}`;
}
