import * as v from 'valibot';
import { limits } from '../host/limits.ts';
import { isDigest } from '../image/digest.ts';

/** Format of the document. A reader ignores a document of a newer format, and leaves it alone. */
export const memoryFormat = 1;

/** A place in a table; whether the table has it is looked at where all tables are known. */
const isIndex = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const index = v.custom<number>(isIndex);
/** Looked through in one go: closures have many thousands of them. */
const indexes = v.custom<number[]>(value => Array.isArray(value) && value.every(isIndex));
const entries = v.pipe(indexes, v.maxLength(limits.memoryEntries));
const digest = v.custom<string>(isDigest);
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(limits.file));
const text = v.pipe(v.string(), v.maxLength(limits.memoryText));

/**
 * The document: tables of store path names, blobs, outputs and root trees, which images refer to by
 * index, because most images share most of them. Newest image first.
 */
export const documentSchema = v.object({
  format: v.literal(memoryFormat),
  /** Base names in the store: "<hash>-<name>". */
  paths: v.array(v.pipe(v.string(), v.regex(/^[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]{1,211}$/))),
  blobs: v.array(
    v.object({
      key: text,
      digest,
      diffId: digest,
      size: bytes,
      uncompressedSize: bytes,
      mediaType: text,
      paths: indexes,
      run: v.optional(text),
    }),
  ),
  outputs: v.array(v.object({ path: index, closure: indexes, blobs: entries })),
  roots: v.array(v.object({ path: index, tree: v.unknown() })),
  images: v.pipe(
    v.custom<unknown[]>(isShortList),
    v.array(
      v.object({
        digest: v.optional(digest),
        target: v.optional(v.object({ path: index, variant: text })),
        outputs: entries,
        blobs: entries,
        roots: entries,
      }),
    ),
  ),
});

function isShortList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length <= limits.memoryImages;
}

/** A document whose parts have the shapes that they should have; what they say is not looked at yet. */
export type MemoryDocument = v.InferOutput<typeof documentSchema>;
