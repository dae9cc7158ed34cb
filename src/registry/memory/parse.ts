import { Failure } from '../../host/failure.ts';
import type { Fields } from '../../host/foreign-value.ts';
import { openJsonObject } from '../../host/json-parts.ts';
import { jsonExcess } from '../../host/json-size.ts';
import { limits } from '../../host/limits.ts';
import { parseRootTree } from '../../image/root-tree.ts';
import type { ImageFolder } from '../../image/types.ts';
import type {
  ImageOrigin,
  KnownBlob,
  Memory,
  RememberedImage,
  RememberedOutput,
  RememberedRecord,
} from '../remembered.ts';
import { soundRows } from './checks.ts';
import { type MemoryDocument, memoryFormat, originEntries, readTables } from './document.ts';
import type { ReadPaths } from './paths.ts';

/** What a document was found to be: a memory, one of another format, or no memory at all. */
export type ParsedMemory =
  | {
      kind: 'memory';
      memory: Memory;
      /** Rows that have not their shape, or contradict others, and are left out. */
      leftOut: number;
    }
  | { kind: 'newer'; format: number }
  | { kind: 'damaged'; reason: string };

/**
 * Reads a memory document, table by table; `storeDir` is put before the names of store paths. Nothing is
 * believed that the document itself contradicts: the row that does is left out. Never throws.
 */
export function parseMemory(document: Buffer, storeDir: string): ParsedMemory {
  const most = { size: limits.memory, values: limits.memoryValues };
  const excess = jsonExcess(document, most);
  if (excess !== undefined) return { kind: 'damaged', reason: excess };
  try {
    const json = openJsonObject(document);
    const format = json.value('format');
    if (Number.isSafeInteger(format) && Number(format) > memoryFormat) {
      return { kind: 'newer', format: Number(format) };
    }
    if (format !== memoryFormat) return { kind: 'damaged', reason: 'its format is none' };
    return { kind: 'memory', ...expand(readTables(json, storeDir), storeDir) };
  } catch (error) {
    if (error instanceof Failure) return { kind: 'damaged', reason: error.message };
    if (error instanceof SyntaxError) return { kind: 'damaged', reason: 'it is no JSON object' };
    throw error;
  }
}

function expand(document: MemoryDocument, storeDir: string): { memory: Memory; leftOut: number } {
  const { paths } = document;
  const held = document.blobs.map(blob => blob?.paths ?? new Uint32Array());
  const known = document.blobs.map(row => row && knownBlob(row, paths, storeDir));
  const sound = soundRows({ paths, outputs: document.outputs, blobs: known, held });
  const blobs = known.map((blob, at) => (sound.blobs[at] ? blob : undefined));
  const outputs = document.outputs.map((row, at) =>
    row && sound.outputs[at] ? rememberedOutput(row, paths, blobs) : undefined,
  );
  const roots = document.roots.map(row => row && rememberedRoot(row, paths));
  const images = document.images.map(
    row => row && rememberedImage(row, { paths, blobs, outputs, roots }),
  );
  const records = document.records.map(row => row && rememberedRecord(row));
  const derivations = document.derivations.map(row => row && rememberedRecord(row));
  const tables = [blobs, outputs, roots, images, records, derivations];
  const broken = tables.flat().filter(row => row === undefined).length;
  const pointing = document.images.filter(row => row && pointsOut(row, document)).length;
  const leftOut = paths.broken + broken + pointing;
  const memory: Memory = {
    images: images.filter(image => image !== undefined),
    records: records.filter(record => record !== undefined),
    ...(derivations.length > 0
      ? { derivations: derivations.filter(each => each !== undefined) }
      : {}),
    ...furtherFields(document.more),
  };
  return { memory, leftOut };
}

/** Whether an image is said to have what no row is of. */
const pointsOut = (row: Row<'images'>, tables: MemoryDocument) =>
  (['outputs', 'blobs', 'roots'] as const).some(name =>
    row[name].some(at => at >= tables[name].length),
  );

type Row<Name extends 'blobs' | 'outputs' | 'roots' | 'images' | 'records'> = NonNullable<
  MemoryDocument[Name][number]
>;

/** Undefined where it is of paths that are none. What it holds is told when it is asked for. */
function knownBlob(row: Row<'blobs'>, known: ReadPaths, storeDir: string): KnownBlob | undefined {
  const { paths: held, roots, directories, folders, run, ...rest } = row;
  const { kind, key, digest, diffId, size, uncompressedSize, mediaType, ...more } = rest;
  if (!held.every(known.has) || !(roots ?? []).every(known.has)) return undefined;
  return {
    ...{ kind, key, digest, diffId, size, uncompressedSize, mediaType },
    get paths() {
      return Array.from(held, known.pathAt);
    },
    ...present({ roots: roots?.map(known.pathAt), directories, run }),
    ...present({ folders: folders?.map(folder => imageFolder(folder, storeDir)) }),
    ...furtherFields(more),
  };
}

const imageFolder = (
  { at, from }: NonNullable<Row<'blobs'>['folders']>[number],
  storeDir: string,
): ImageFolder => ({
  at,
  from: from.map(place => {
    const [name = '', ...below] = place.split('/');
    return { outPath: `${storeDir}/${name}`, below: below.join('/') };
  }),
});

/** The rows at these places that are there. */
const rowsAt = <T>(table: readonly (T | undefined)[], places: readonly number[]): T[] =>
  [...new Set(places)].flatMap(at => table[at] ?? []);

function rememberedOutput(
  { path, blobs: carriers, ...more }: Row<'outputs'>,
  paths: ReadPaths,
  blobs: readonly (KnownBlob | undefined)[],
): RememberedOutput {
  const known = rowsAt(blobs, carriers);
  return {
    outPath: paths.pathAt(path),
    row: { table: paths, at: path },
    // without one of them the others do not carry it
    blobs: known.length === carriers.length ? known : [],
    ...furtherFields(more),
  };
}

function rememberedRoot(
  { path, tree, ...more }: Row<'roots'>,
  paths: ReadPaths,
): RememberedImage['roots'][number] | undefined {
  if (!paths.has(path) || parseRootTree(tree) === undefined) return undefined;
  return { outPath: paths.pathAt(path), tree, ...furtherFields(more) };
}

/** What images refer to. */
interface Tables {
  paths: ReadPaths;
  blobs: readonly (KnownBlob | undefined)[];
  outputs: readonly (RememberedOutput | undefined)[];
  roots: readonly (RememberedImage['roots'][number] | undefined)[];
}

function rememberedImage(row: Row<'images'>, { paths, blobs, outputs, roots }: Tables) {
  const { digest, config, target, outputs: made, blobs: layers, roots: trees, ...rest } = row;
  const { origin, more } = splitOrigin(rest);
  return {
    ...present({ digest, config }),
    ...(target && paths.has(target.path)
      ? { target: { outPath: paths.pathAt(target.path), variant: target.variant } }
      : {}),
    ...origin,
    outputs: oncePerPath(rowsAt(outputs, made)),
    blobs: rowsAt(blobs, layers),
    roots: oncePerPath(rowsAt(roots, trees)),
    ...furtherFields(more),
  };
}

function rememberedRecord(row: Row<'records'>): RememberedRecord {
  const { mediaType, digest, size, diffId, run, branch, attribute, image, ...more } = row;
  const told = present({ run, branch, attribute, image });
  return { mediaType, digest, size, diffId, ...told, ...furtherFields(more) };
}

/** What an image was made from, and what a newer program says of it. */
export function splitOrigin(fields: Fields): { origin: ImageOrigin; more: Fields } {
  const all = Object.entries(fields).filter(([, value]) => value !== undefined);
  const [known, other] = [true, false].map(wanted =>
    Object.fromEntries(all.filter(([name]) => Object.hasOwn(originEntries, name) === wanted)),
  );
  // the schema has looked at each of them
  return { origin: known as ImageOrigin, more: other ?? {} };
}

const furtherFields = (more: Fields) => (Object.keys(more).length === 0 ? {} : { more });

/** The fields that are there. */
function present<T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}

/** An image has each output once; what comes again says something else of it. */
function oncePerPath<T extends { outPath: string }>(rows: readonly T[]): T[] {
  const first = new Map<string, T>();
  for (const row of rows) if (!first.has(row.outPath)) first.set(row.outPath, row);
  return [...first.values()];
}
