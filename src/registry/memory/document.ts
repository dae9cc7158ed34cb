import * as v from 'valibot';
import { type Fields, isRecord } from '../../host/foreign-value.ts';
import { limits } from '../../host/limits.ts';
import { isDigest } from '../../image/digest.ts';

/** Format of the document. A reader ignores a document of a newer format, and leaves it alone. */
export const memoryFormat = 2;

/** A place in a table; whether the table has it is looked at where all tables are known. */
const isIndex = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const index = v.custom<number>(isIndex);
/** Looked through in one go: there are many thousands of them. */
const indexes = v.custom<number[]>(value => Array.isArray(value) && value.every(isIndex));
const entries = v.pipe(indexes, v.maxLength(limits.memoryEntries));
const digest = v.custom<string>(isDigest);
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(limits.file));
const text = v.pipe(v.string(), v.maxLength(limits.memoryText));
const flag = v.boolean();

/** A layer's blob: `kind` says what its key is made of. */
const blobSchema = v.looseObject({
  /**
   * `store`: of `paths`; `root`: of `roots` and `directories`; `streamed`: of store paths in the order of
   * another tool; `content`: the key is the diffID.
   */
  kind: text,
  key: text,
  digest,
  diffId: digest,
  size: bytes,
  uncompressedSize: bytes,
  mediaType: text,
  /** Ascending: the first, then the step to each following one. */
  paths: indexes,
  roots: v.optional(entries),
  directories: v.optional(
    v.array(v.object({ path: text, mode: text, uid: v.number(), gid: v.number() })),
  ),
  run: v.optional(text),
});

/** An output, as one row of `paths` has it, and the blobs that carried a layer made of it. */
const outputSchema = v.looseObject({ path: index, blobs: entries });

/** What a root output holds. */
const rootSchema = v.looseObject({ path: index, tree: v.unknown() });

/** A document of the same artifact, which is read by who asks for it alone. */
const recordSchema = v.looseObject({
  digest,
  diffId: digest,
  size: bytes,
  mediaType: text,
  run: v.optional(text),
});

/** What an image was made from and for; all that a run did not know is absent. */
export const originEntries = {
  commit: v.optional(text),
  /** The flake's folder in its repository (`?dir=`). */
  dir: v.optional(text),
  attribute: v.optional(text),
  /** Git's hash of the tree of the repository's root. */
  tree: v.optional(text),
  /** Whether the derivation was the same where the flake did not know its commit. */
  withoutCommit: v.optional(flag),
  system: v.optional(text),
  /** The version of Nix that was asked for. */
  nix: v.optional(text),
  /** Whether all inputs of the flake were locked. */
  locked: v.optional(flag),
  /** Settings that decide bytes, by name. */
  settings: v.optional(v.record(text, v.unknown())),
  variant: v.optional(text),
  branch: v.optional(text),
  event: v.optional(text),
  /** What is known of its tests. */
  tested: v.optional(v.unknown()),
};

const imageSchema = v.looseObject({
  digest: v.optional(digest),
  target: v.optional(v.object({ path: index, variant: text })),
  outputs: entries,
  blobs: entries,
  roots: entries,
  ...originEntries,
});

const rowSchemas = {
  blobs: blobSchema,
  outputs: outputSchema,
  roots: rootSchema,
  images: imageSchema,
  records: recordSchema,
};

/**
 * A store path, "<hash>-<name>", and the rows before this one that it refers to: nothing can refer to
 * itself in a circle.
 */
interface PathEntry extends Fields {
  path: string;
  references?: readonly number[];
}

type Rows<T> = readonly (T | undefined)[];

/**
 * The document: tables of store paths, blobs, outputs, root trees and records, which images refer to by
 * index, because most images share most of them. Newest image first. A row that has not its shape is
 * undefined; what the others say is not looked at yet.
 */
export interface MemoryDocument {
  paths: Rows<PathEntry>;
  blobs: Rows<v.InferOutput<typeof blobSchema>>;
  outputs: Rows<v.InferOutput<typeof outputSchema>>;
  roots: Rows<v.InferOutput<typeof rootSchema>>;
  images: Rows<v.InferOutput<typeof imageSchema>>;
  records: Rows<v.InferOutput<typeof recordSchema>>;
  /** What else it holds. */
  more: Fields;
}

/** The tables of a document; a text says why it is none. */
export function readTables(document: unknown): MemoryDocument | string {
  if (!isRecord(document)) return 'it is no object';
  const { format: _, paths, blobs, outputs, roots, images, records, ...more } = document;
  const tables = { paths, blobs, outputs, roots, images, records };
  for (const [name, rows] of Object.entries(tables)) {
    const most = mostRows[name as keyof typeof mostRows];
    if (!Array.isArray(rows)) return `${name} is no list`;
    if (rows.length > most) return `${name} has ${rows.length} rows`;
  }
  const read = <Name extends keyof typeof rowSchemas>(name: Name) =>
    (tables[name] as unknown[]).map(row => {
      const parsed = v.safeParse(rowSchemas[name], row, { abortEarly: true });
      return parsed.success ? parsed.output : undefined;
    });
  return {
    paths: (paths as unknown[]).map(pathEntry),
    blobs: read('blobs') as MemoryDocument['blobs'],
    outputs: read('outputs') as MemoryDocument['outputs'],
    roots: read('roots') as MemoryDocument['roots'],
    images: read('images') as MemoryDocument['images'],
    records: read('records') as MemoryDocument['records'],
    more,
  };
}

const mostRows = {
  paths: limits.memoryPaths,
  blobs: limits.memoryRows,
  outputs: limits.memoryRows,
  roots: limits.memoryRows,
  images: limits.memoryImages,
  records: limits.memoryImages,
};

const storeName = /^[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]{1,211}$/;

/** Looked at by hand: there are hundreds of thousands. */
function pathEntry(row: unknown, at: number): PathEntry | undefined {
  if (!isRecord(row) || typeof row.path !== 'string' || !storeName.test(row.path)) return undefined;
  const { references } = row;
  const isEarlier = (each: unknown) => isIndex(each) && each < at;
  if (references === undefined) return row as PathEntry;
  return Array.isArray(references) && references.every(isEarlier) ? (row as PathEntry) : undefined;
}
