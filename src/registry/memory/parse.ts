import { type Fields, isRecord } from '../../host/foreign-value.ts';
import { jsonExcess } from '../../host/json-size.ts';
import { limits } from '../../host/limits.ts';
import { parseRootTree } from '../../image/root-tree.ts';
import type {
  ImageOrigin,
  KnownBlob,
  Memory,
  RememberedImage,
  RememberedOutput,
} from '../remembered.ts';
import { soundRows } from './checks.ts';
import { type MemoryDocument, memoryFormat, originEntries, readTables } from './document.ts';
import type { PathRow } from './rows.ts';

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
 * Reads a memory document; `storeDir` is put before the names of store paths. Nothing is believed that
 * the document itself contradicts: the row that does is left out. Never throws.
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
  const format = isRecord(json) ? json.format : undefined;
  if (Number.isSafeInteger(format) && Number(format) > memoryFormat) {
    return { kind: 'newer', format: Number(format) };
  }
  if (format !== memoryFormat) return { kind: 'damaged', reason: 'its format is none' };
  const tables = readTables(json);
  if (typeof tables === 'string') return { kind: 'damaged', reason: tables };
  return { kind: 'memory', ...expand(tables, storeDir) };
}

function expand(document: MemoryDocument, storeDir: string): { memory: Memory; leftOut: number } {
  const names = document.paths.map(row => row && `${storeDir}/${row.path}`);
  const held = document.blobs.map(blob => placesOf(blob?.paths ?? []));
  const sound = soundRows({ document, paths: names, held });
  const paths = pathRows(document.paths, names);
  const pathAt = (at: number) => names[at];
  const pathsAt = (places: ArrayLike<number>) => Array.from(places, at => pathAt(at) ?? '');
  const blobs = document.blobs.map((row, at): KnownBlob | undefined => {
    if (row === undefined || sound.blobs[at] !== true) return undefined;
    const { paths: _, roots, directories, run, ...rest } = row;
    const { kind, key, digest, diffId, size, uncompressedSize, mediaType, ...more } = rest;
    return {
      ...{ kind, key, digest, diffId, size, uncompressedSize, mediaType },
      paths: pathsAt(held[at] ?? new Uint32Array()),
      ...present({ roots: roots && pathsAt(roots), directories, run }),
      ...furtherFields(more),
    };
  });
  const rows = <T>(table: readonly (T | undefined)[], places: readonly number[]): T[] =>
    [...new Set(places)].flatMap(at => table[at] ?? []);
  const outputs = document.outputs.map((row, at): RememberedOutput | undefined => {
    const path = row && paths[row.path];
    if (path === undefined || sound.outputs[at] !== true) return undefined;
    const { path: _, blobs: carriers, ...more } = row ?? {};
    const known = rows(blobs, carriers ?? []);
    return {
      outPath: path.path,
      row: path,
      // without one of them the others do not carry it
      blobs: known.length === carriers?.length ? known : [],
      ...furtherFields(more),
    };
  });
  const roots = document.roots.map(row => {
    const outPath = row && pathAt(row.path);
    if (outPath === undefined || parseRootTree(row?.tree) === undefined) return undefined;
    const { path: _, tree, ...more } = row ?? {};
    return { outPath, tree, ...furtherFields(more) };
  });
  const images = document.images.map((row): RememberedImage | undefined => {
    if (row === undefined) return undefined;
    const { digest, target, outputs: made, blobs: layers, roots: trees, ...rest } = row;
    const { origin, more } = splitOrigin(rest);
    const outPath = target && pathAt(target.path);
    return {
      ...present({ digest }),
      ...(outPath === undefined ? {} : { target: { outPath, variant: target?.variant ?? '' } }),
      ...origin,
      outputs: oncePerPath(rows(outputs, made)),
      blobs: rows(blobs, layers),
      roots: oncePerPath(rows(roots, trees)),
      ...furtherFields(more),
    };
  });
  const records = document.records.map(row => {
    if (row === undefined) return undefined;
    const { mediaType, digest, size, diffId, run, ...more } = row;
    return { mediaType, digest, size, diffId, ...present({ run }), ...furtherFields(more) };
  });
  const tables = [document.paths, blobs, outputs, roots, images, records];
  const leftOut = tables.flat().filter(row => row === undefined).length;
  const memory: Memory = {
    images: images.filter(image => image !== undefined),
    records: records.filter(record => record !== undefined),
    ...furtherFields(document.more),
  };
  return { memory, leftOut };
}

/** Places from the first one and the steps from each to the next. */
function placesOf(steps: readonly number[]): Uint32Array {
  let at = 0;
  return Uint32Array.from(steps, step => {
    at += step;
    return at;
  });
}

function pathRows(
  rows: MemoryDocument['paths'],
  names: readonly (string | undefined)[],
): (PathRow | undefined)[] {
  const made: (PathRow | undefined)[] = [];
  for (const [at, row] of rows.entries()) {
    const path = names[at];
    if (row === undefined || path === undefined) made.push(undefined);
    else {
      const { path: _, references, ...more } = row;
      const others = references?.map(each => made[each]);
      const isWhole = others?.every(each => each !== undefined);
      made.push({
        path,
        ...(isWhole ? { references: others as PathRow[] } : {}),
        ...furtherFields(more),
      });
    }
  }
  return made;
}

/** What an image was made from, and what a newer program says of it. */
function splitOrigin(fields: Fields): { origin: ImageOrigin; more: Fields } {
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
