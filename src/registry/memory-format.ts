import * as v from 'valibot';
import { jsonExcess } from '../host/json-size.ts';
import { limits } from '../host/limits.ts';
import { parseRootTree } from '../image/root-tree.ts';
import { soundRows } from './memory-checks.ts';
import { documentSchema, type MemoryDocument, memoryFormat } from './memory-document.ts';
import type { KnownBlob, Memory, RememberedImage, RememberedOutput } from './remembered.ts';

/** What a document was found to be: a memory, one of a newer program, or no memory at all. */
export type ParsedMemory =
  | {
      kind: 'memory';
      memory: Memory;
      /** Rows that contradict others and are left out. */
      leftOut: number;
    }
  | { kind: 'newer'; format: number }
  | { kind: 'damaged'; reason: string };

/**
 * Reads a memory document; `storeDir` is put before the names of store paths. Nothing is believed that
 * the document itself contradicts. Never throws.
 */
export function parseMemory(document: string, storeDir: string): ParsedMemory {
  const most = { size: limits.memory, values: limits.memoryValues };
  const excess = jsonExcess(document, most);
  if (excess !== undefined) return { kind: 'damaged', reason: excess };
  let json: unknown;
  try {
    json = JSON.parse(document);
  } catch {
    return { kind: 'damaged', reason: 'it is no JSON' };
  }
  const format = (json as { format?: unknown } | null)?.format;
  if (Number.isSafeInteger(format) && Number(format) > memoryFormat) {
    return { kind: 'newer', format: Number(format) };
  }
  const parsed = v.safeParse(documentSchema, json, { abortEarly: true });
  if (!parsed.success) return { kind: 'damaged', reason: reasonOf(parsed.issues[0]) };
  const missing = missingRow(parsed.output);
  if (missing !== undefined) return { kind: 'damaged', reason: missing };
  const expanded = expand(parsed.output, storeDir);
  if (expanded === undefined) return { kind: 'damaged', reason: 'it is larger than it can be' };
  return { kind: 'memory', ...expanded };
}

/** Where in the document something is wrong; what is there is not quoted. */
const reasonOf = (issue: v.BaseIssue<unknown>): string =>
  `${v.getDotPath(issue) ?? 'it'} is not what it should be`;

/** A row that is referred to and that no table has, in words. */
function missingRow({ paths, blobs, outputs, roots, images }: MemoryDocument): string | undefined {
  const referred = (what: string, table: readonly unknown[], places: Iterable<number>) => {
    for (const at of places) if (at >= table.length) return `it refers to ${what} ${at}`;
    return undefined;
  };
  for (const blob of blobs) {
    const missing = referred('path', paths, blob.paths);
    if (missing) return missing;
  }
  for (const output of outputs) {
    const missing =
      referred('path', paths, [output.path]) ??
      referred('path', paths, output.closure) ??
      referred('blob', blobs, output.blobs);
    if (missing) return missing;
  }
  for (const { target, ...image } of images) {
    const missing =
      referred('path', paths, target ? [target.path] : []) ??
      referred('output', outputs, image.outputs) ??
      referred('blob', blobs, image.blobs) ??
      referred('root', roots, image.roots);
    if (missing) return missing;
  }
  return referred(
    'path',
    paths,
    roots.map(({ path }) => path),
  );
}

/** Undefined where nobody can tell in time whether it agrees with itself. */
function expand(
  document: MemoryDocument,
  storeDir: string,
): { memory: Memory; leftOut: number } | undefined {
  const paths = document.paths.map(name => `${storeDir}/${name}`);
  const sound = soundRows(document, paths);
  if (sound === undefined) return undefined;
  const pathAt = (at: number) => paths[at] ?? '';
  const blobs = document.blobs.map(({ run, ...blob }, at): KnownBlob | undefined => {
    if (!sound.blobs.has(at)) return undefined;
    const held = blob.paths.map(pathAt);
    return { ...blob, paths: held, ...(run === undefined ? {} : { run }) };
  });
  const rows = <T>(table: readonly (T | undefined)[], places: readonly number[]): T[] =>
    [...new Set(places)].flatMap(at => table[at] ?? []);
  const outputs = document.outputs.map((output, at): RememberedOutput | undefined => {
    if (!sound.outputs.has(at)) return undefined;
    const closure = output.closure.map(pathAt);
    return { outPath: pathAt(output.path), closure, blobs: rows(blobs, output.blobs) };
  });
  const roots = document.roots.map(({ path, tree }) =>
    parseRootTree(tree) === undefined ? undefined : { outPath: pathAt(path), tree },
  );
  const images = document.images.map(
    ({ digest, target, ...image }): RememberedImage => ({
      ...(digest === undefined ? {} : { digest }),
      ...(target === undefined
        ? {}
        : { target: { outPath: pathAt(target.path), variant: target.variant } }),
      outputs: oncePerPath(rows(outputs, image.outputs)),
      blobs: rows(blobs, image.blobs),
      roots: oncePerPath(rows(roots, image.roots)),
    }),
  );
  const leftOut = [blobs, outputs, roots].flat().filter(row => row === undefined).length;
  return { memory: { images }, leftOut };
}

/** An image has each output once; what comes again says something else of it. */
function oncePerPath<T extends { outPath: string }>(rows: readonly T[]): T[] {
  const first = new Map<string, T>();
  for (const row of rows) if (!first.has(row.outPath)) first.set(row.outPath, row);
  return [...first.values()];
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
