import * as v from 'valibot';
import type { KnownBlob, Memory, RememberedImage, RememberedOutput } from './memory.ts';

/** Format of the document. A reader ignores a document of a newer format, and leaves it alone. */
export const memoryFormat = 1;

const index = v.pipe(v.number(), v.integer(), v.minValue(0));
const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));
const bytes = v.pipe(v.number(), v.integer(), v.minValue(0));

/**
 * The document: tables of store path names, blobs, outputs and root trees, which images refer to by
 * index, because most images share most of them. Newest image first.
 */
const documentSchema = v.object({
  format: v.literal(memoryFormat),
  /** Base names in the store: "<hash>-<name>". */
  paths: v.array(v.pipe(v.string(), v.regex(/^[0-9a-z]{32}-[0-9a-zA-Z+._?=-]+$/))),
  blobs: v.array(
    v.object({
      key: v.string(),
      digest,
      diffId: digest,
      size: bytes,
      uncompressedSize: bytes,
      mediaType: v.string(),
      paths: v.array(index),
      run: v.optional(v.string()),
    }),
  ),
  outputs: v.array(v.object({ path: index, closure: v.array(index), blobs: v.array(index) })),
  roots: v.array(v.object({ path: index, tree: v.unknown() })),
  images: v.array(
    v.object({
      digest: v.optional(digest),
      target: v.optional(v.object({ path: index, variant: v.string() })),
      outputs: v.array(index),
      blobs: v.array(index),
      roots: v.array(index),
    }),
  ),
});
type MemoryDocument = v.InferOutput<typeof documentSchema>;

/** What a document was found to be: a memory, one of a newer program, or no memory at all. */
export type ParsedMemory =
  | { kind: 'memory'; memory: Memory }
  | { kind: 'newer'; format: number }
  | { kind: 'damaged'; reason: string };

/** Reads a memory document; `storeDir` is put before the names of store paths. Never throws. */
export function parseMemory(text: string, storeDir: string): ParsedMemory {
  try {
    const json: unknown = JSON.parse(text);
    const format = (json as { format?: unknown } | null)?.format;
    if (typeof format === 'number' && format > memoryFormat) return { kind: 'newer', format };
    return { kind: 'memory', memory: expand(v.parse(documentSchema, json), storeDir) };
  } catch (error) {
    return { kind: 'damaged', reason: error instanceof Error ? error.message : String(error) };
  }
}

function expand(document: MemoryDocument, storeDir: string): Memory {
  const paths = document.paths.map(name => `${storeDir}/${name}`);
  const path = (at: number) => entry(paths, at, 'path');
  const blobs = document.blobs.map(
    ({ run, ...blob }): KnownBlob => ({
      ...blob,
      paths: blob.paths.map(path),
      ...(run === undefined ? {} : { run }),
    }),
  );
  const blob = (at: number) => entry(blobs, at, 'blob');
  const outputs = document.outputs.map(
    (output): RememberedOutput => ({
      outPath: path(output.path),
      closure: output.closure.map(path),
      blobs: output.blobs.map(blob),
    }),
  );
  const roots = document.roots.map(root => ({ outPath: path(root.path), tree: root.tree }));
  const imageTarget = (target: { path: number; variant: string }) => ({
    outPath: path(target.path),
    variant: target.variant,
  });
  const images = document.images.map(
    (image): RememberedImage => ({
      ...(image.digest === undefined ? {} : { digest: image.digest }),
      ...(image.target === undefined ? {} : { target: imageTarget(image.target) }),
      outputs: image.outputs.map(at => entry(outputs, at, 'output')),
      blobs: image.blobs.map(blob),
      roots: image.roots.map(at => entry(roots, at, 'root')),
    }),
  );
  return { images };
}

function entry<T>(table: readonly T[], at: number, what: string): T {
  const found = table[at];
  if (found === undefined) throw new Error(`it refers to ${what} ${at} of ${table.length}`);
  return found;
}

/** Writes a memory as a document; the same memory gives the same bytes. */
export function serializeMemory(memory: Memory): string {
  const paths = new Table<string, string>(path => path);
  const blobs = new Table<KnownBlob, unknown>(blob => `${blob.digest} ${blob.key}`);
  const outputs = new Table<RememberedOutput, unknown>(
    output => `${output.outPath} ${output.blobs.map(blob => blob.digest)}`,
  );
  const roots = new Table<RememberedImage['roots'][number], unknown>(root => root.outPath);
  const storeName = (path: string) => paths.at(path, () => path.slice(path.lastIndexOf('/') + 1));
  const blobAt = (blob: KnownBlob) =>
    blobs.at(blob, () => ({
      key: blob.key,
      digest: blob.digest,
      diffId: blob.diffId,
      size: blob.size,
      uncompressedSize: blob.uncompressedSize,
      mediaType: blob.mediaType,
      paths: blob.paths.map(storeName),
      run: blob.run,
    }));
  const images = memory.images.map(image => ({
    digest: image.digest,
    target: image.target && {
      path: storeName(image.target.outPath),
      variant: image.target.variant,
    },
    outputs: image.outputs.map(output =>
      outputs.at(output, () => ({
        path: storeName(output.outPath),
        closure: output.closure.map(storeName),
        blobs: output.blobs.map(blobAt),
      })),
    ),
    blobs: image.blobs.map(blobAt),
    roots: image.roots.map(root =>
      roots.at(root, () => ({ path: storeName(root.outPath), tree: root.tree })),
    ),
  }));
  return JSON.stringify({
    format: memoryFormat,
    paths: paths.rows,
    blobs: blobs.rows,
    outputs: outputs.rows,
    roots: roots.rows,
    images,
  });
}

/** Rows without duplicates, found again by an identity. */
class Table<Item, Row> {
  readonly rows: Row[] = [];
  private readonly indexes = new Map<string, number>();
  private readonly identity: (item: Item) => string;

  constructor(identity: (item: Item) => string) {
    this.identity = identity;
  }

  /** The item's index; its row is made when it is met for the first time. */
  at(item: Item, row: () => Row): number {
    const identity = this.identity(item);
    const known = this.indexes.get(identity);
    if (known !== undefined) return known;
    const made = row();
    this.indexes.set(identity, this.rows.length);
    this.rows.push(made);
    return this.rows.length - 1;
  }
}
