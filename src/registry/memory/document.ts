import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import type { Fields } from '../../host/foreign-value.ts';
import type { JsonObject } from '../../host/json-parts.ts';
import { limits } from '../../host/limits.ts';
import { isDigest } from '../../image/digest.ts';
import { isIndex, type ReadPaths, readPaths } from './paths.ts';

/** Format of the document. A reader ignores a document of a newer format, and leaves it alone. */
export const memoryFormat = 2;

const index = v.custom<number>(isIndex);
/** Looked through in one go: there are many thousands of them. */
const indexes = v.custom<readonly number[]>(value => Array.isArray(value) && value.every(isIndex));
const entries = v.pipe(indexes, v.maxLength(limits.memoryEntries));
const digest = v.custom<string>(isDigest);
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(limits.file));
const text = v.pipe(v.string(), v.maxLength(limits.memoryText));
const flag = v.boolean();

/** Places from the first one and the steps from each to the next. */
function placesOf(steps: readonly number[]): Uint32Array {
  const places = new Uint32Array(steps.length);
  let place = 0;
  for (const [at, step] of steps.entries()) {
    place += step;
    // what is beyond all rows stays there
    places[at] = Math.min(place, 2 ** 32 - 1);
  }
  return places;
}

/** A layer's blob: `kind` says what its key is made of. */
const blobSchema = v.looseObject({
  /**
   * `store`: of `paths`; `root`: of `roots`, `directories` and `folders`; `streamed`: of store paths in the order of
   * another tool; `content`: the key is the diffID.
   */
  kind: text,
  key: text,
  digest,
  diffId: digest,
  size: bytes,
  uncompressedSize: bytes,
  mediaType: text,
  /** Ascending: the first, then the step to each following one; read, the places themselves. */
  paths: v.pipe(indexes, v.transform(placesOf)),
  roots: v.optional(entries),
  directories: v.optional(
    v.array(v.object({ path: text, mode: text, uid: v.number(), gid: v.number() })),
  ),
  /** Where each is, and what is merged there: names of store paths, and where in them. */
  folders: v.optional(v.array(v.object({ at: text, from: v.array(text) }))),
  run: v.optional(text),
});

/** An output, as one row of `paths` has it, and the blobs that carried a layer made of it. */
const outputSchema = v.looseObject({ path: index, blobs: entries });

/** What a store path holds that the root layer links to. */
const rootSchema = v.looseObject({ path: index, tree: v.unknown() });

/** What tells whether a record is of an image that one is looking for; absent what its run did not know. */
const recordEntries = {
  branch: v.optional(text),
  attribute: v.optional(text),
  /** The manifest's digest; absent where the run has failed. */
  image: v.optional(digest),
};

/** A document of the same artifact, which is read by who asks for it alone. */
const recordSchema = v.looseObject({
  digest,
  diffId: digest,
  size: bytes,
  mediaType: text,
  run: v.optional(text),
  ...recordEntries,
});

/** What an image was made from and for; all that a run did not know is absent. */
export const originEntries = {
  commit: v.optional(text),
  /** The flake's folder in its repository. */
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
  config: v.optional(v.object({ digest, size: bytes })),
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
  derivations: recordSchema,
};

type Rows<T> = readonly (T | undefined)[];

/**
 * The document: tables of store paths, blobs, outputs, root trees and records, which images refer to by
 * index, because most images share most of them. Newest image first. A row that has not its shape is
 * undefined; what the others say is not looked at yet.
 */
export interface MemoryDocument {
  paths: ReadPaths;
  blobs: Rows<v.InferOutput<typeof blobSchema>>;
  outputs: Rows<v.InferOutput<typeof outputSchema>>;
  roots: Rows<v.InferOutput<typeof rootSchema>>;
  images: Rows<v.InferOutput<typeof imageSchema>>;
  records: Rows<v.InferOutput<typeof recordSchema>>;
  /** Absent in documents of older programs, and where nothing is kept. */
  derivations: Rows<v.InferOutput<typeof recordSchema>>;
  /** What else it holds. */
  more: Fields;
}

const mostRows = {
  paths: limits.memoryPaths,
  blobs: limits.memoryRows,
  outputs: limits.memoryRows,
  roots: limits.memoryRows,
  images: limits.memoryImages,
  records: limits.memoryImages,
  derivations: limits.memoryImages,
};

/**
 * The tables of a document, read one after the other; `storeDir` is put before the names of store paths.
 * Throws a SyntaxError where it is no JSON, and a {@link Failure} where it is no document.
 */
export function readTables(json: JsonObject, storeDir: string): MemoryDocument {
  const read = (name: keyof typeof rowSchemas) => readRows(json, name);
  const known = new Set(['format', ...Object.keys(mostRows)]);
  const further = json.names.filter(name => !known.has(name));
  return {
    paths: readPaths(boundedRows(json, 'paths'), storeDir),
    blobs: read('blobs') as MemoryDocument['blobs'],
    outputs: read('outputs') as MemoryDocument['outputs'],
    roots: read('roots') as MemoryDocument['roots'],
    images: read('images') as MemoryDocument['images'],
    records: read('records') as MemoryDocument['records'],
    derivations: json.names.includes('derivations')
      ? (read('derivations') as MemoryDocument['derivations'])
      : [],
    more: Object.fromEntries(further.map(name => [name, json.value(name)])),
  };
}

/** What a document says of images and blobs, without what these hold. */
export function readImageTables(json: JsonObject): Pick<MemoryDocument, 'images' | 'blobs'> {
  return {
    images: readRows(json, 'images') as MemoryDocument['images'],
    blobs: readRows(json, 'blobs') as MemoryDocument['blobs'],
  };
}

const readRows = (json: JsonObject, name: keyof typeof rowSchemas) =>
  Array.from(boundedRows(json, name), row => {
    const parsed = v.safeParse(rowSchemas[name], row, { abortEarly: true });
    return parsed.success ? parsed.output : undefined;
  });

function* boundedRows(json: JsonObject, name: keyof typeof mostRows): Generator<unknown> {
  const rows = json.elements(name);
  if (rows === undefined) throw new Failure(`${name} is no list`);
  let count = 0;
  for (const row of rows) {
    count += 1;
    if (count > mostRows[name]) throw new Failure(`${name} has more than ${mostRows[name]} rows`);
    yield row;
  }
}
