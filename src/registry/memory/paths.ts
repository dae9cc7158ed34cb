import { type Fields, isRecord } from '../../host/foreign-value.ts';
import { limits } from '../../host/limits.ts';
import type { PathTable } from './rows.ts';

/** A place in a table; whether the table has it is looked at where all tables are known. */
export const isIndex = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** A document's store paths. A row that has not its shape has its place all the same. */
export interface ReadPaths extends PathTable {
  has(at: number): boolean;
  /** How many rows have not their shape. */
  broken: number;
  /** For each row the first one of the same path: which build of it a layer holds is not told apart. */
  first: Uint32Array;
  /** Whether all is known that a row refers to. */
  isKnown(at: number): boolean;
  /** What a row refers to, from `starts[at]` to before `starts[at + 1]`, as far as that is known. */
  edges: Uint32Array;
  starts: Uint32Array;
}

/**
 * Reads rows of `{ path: "<hash>-<name>", references?: [places before this one], size?: bytes }`: nothing
 * can refer to itself in a circle. `storeDir` is put before the names.
 */
export function readPaths(written: Iterable<unknown>, storeDir: string): ReadPaths {
  const texts = startTexts();
  const placeOfFirst = startPlaces(texts);
  const first: number[] = [];
  const starts = [0];
  const edges: number[] = [];
  const unknown = new Set<number>();
  const sizes = new Map<number, number>();
  const more = new Map<number, Fields>();
  for (const row of written) {
    const at = first.length;
    const entry = isPathEntry(row, at) ? row : noEntry;
    const { path: name, references, size, ...further } = entry;
    const path = name === '' ? name : `${storeDir}/${name}`;
    first.push(entry === noEntry ? at : placeOfFirst(name, path, at));
    texts.add(path);
    if (!references?.every(texts.has)) unknown.add(at);
    for (const each of references ?? []) edges.push(each);
    starts.push(edges.length);
    if (size !== undefined) sizes.set(at, size);
    if (Object.keys(further).length > 0) more.set(at, further);
  }
  const arrays = { starts: Uint32Array.from(starts), edges: Uint32Array.from(edges) };
  const isKnown = (at: number) => !unknown.has(at);
  return {
    ...arrays,
    isKnown,
    count: first.length,
    broken: first.filter((_, at) => !texts.has(at)).length,
    first: Uint32Array.from(first),
    has: texts.has,
    pathAt: texts.at,
    referencesAt: at =>
      isKnown(at) ? arrays.edges.subarray(arrays.starts[at], arrays.starts[at + 1]) : undefined,
    sizeAt: at => sizes.get(at),
    moreAt: at => more.get(at),
  };
}

interface PathEntry {
  path: string;
  references?: readonly number[];
  size?: number;
}

const noEntry: PathEntry = { path: '' };
const storeName = /^[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]{1,211}$/;

function isPathEntry(row: unknown, at: number): row is PathEntry {
  if (!isRecord(row) || typeof row.path !== 'string' || !storeName.test(row.path)) return false;
  const { references, size } = row;
  if (size !== undefined && !(isIndex(size) && size <= limits.file)) return false;
  const isEarlier = (each: unknown) => isIndex(each) && each < at;
  return references === undefined || (Array.isArray(references) && references.every(isEarlier));
}

/** A list of short texts, one behind the other in one buffer, each of which is made when it is asked for. */
interface Texts {
  add(text: string): void;
  at(at: number): string;
  /** An empty one is none. */
  has(at: number): boolean;
}

function startTexts(): Texts {
  let bytes = Buffer.alloc(64 << 10);
  const starts = [0];
  const made: string[] = [];
  return {
    add(text) {
      const start = starts.at(-1) ?? 0;
      const needed = start + Buffer.byteLength(text);
      if (needed > bytes.length) bytes = Buffer.concat([bytes], 2 * needed);
      bytes.write(text, start);
      starts.push(needed);
    },
    at: at => {
      made[at] ??= bytes.toString('utf8', starts[at], starts[at + 1]);
      return made[at];
    },
    has: at => (starts[at + 1] ?? 0) > (starts[at] ?? 0),
  };
}

/** Finds for the next path the first place that it has, without keeping all texts. */
function startPlaces(texts: Texts): (name: string, path: string, at: number) => number {
  const byHash = new Map<number, number>();
  const others = new Map<string, number>();
  return (name, path, at) => {
    // ten letters of its hash: others seldom begin so
    const hash = Number.parseInt(name.slice(0, 10), 36);
    const known = byHash.get(hash);
    if (known === undefined) byHash.set(hash, at);
    if (known === undefined || texts.at(known) === path) return known ?? at;
    const same = others.get(path) ?? at;
    others.set(path, same);
    return same;
  };
}
