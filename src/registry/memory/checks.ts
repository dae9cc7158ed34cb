import { limits } from '../../host/limits.ts';
import { blobKey, rootKey } from '../../image/keys.ts';
import { mediaTypes } from '../../image/types.ts';
import type { MemoryDocument } from './document.ts';

/** Rows of the document's tables that say what can be true; images may refer to these alone. */
export interface SoundRows {
  /** Store paths of which all that they reach is known. */
  paths: readonly boolean[];
  blobs: readonly boolean[];
  outputs: readonly boolean[];
}

/** What is looked at: the document, with the indexes of what each blob holds. */
interface Checked {
  document: MemoryDocument;
  /** Absolute, by their index; undefined where the row is none. */
  paths: readonly (string | undefined)[];
  held: readonly Uint32Array[];
}

const layerTypes: readonly string[] = Object.values(mediaTypes.layer);

/**
 * Which rows of a memory agree with the others. The document says much of what it knows more than once:
 *
 * - a blob's key is made of what the row says it is made of, and a blob that is not compressed is its own
 *   content;
 * - an output's closure is walked, so that it holds the output and is closed; it holds all that the blobs
 *   of its layers hold.
 *
 * A row that contradicts another is left out, and what it tells of is made again. References that are
 * missing everywhere, and consistently, cannot be told from true ones. The store is asked where it has
 * the output (see `agreeingWithStore`), and nothing else can be lost by it than what whoever writes here
 * could take out of the image itself.
 */
export function soundRows(checked: Checked): SoundRows {
  const { document } = checked;
  const paths = closedRows(document.paths);
  const blobs = document.blobs.map((_, at) => isSoundBlob(at, checked));
  const reaches = walker(document.paths, sameNames(checked.paths));
  const outputs = document.outputs.map(output => {
    if (output === undefined || paths[output.path] !== true) return false;
    const carriers = output.blobs.filter(at => blobs[at] === true);
    return reaches(
      output.path,
      carriers.map(at => checked.held[at] ?? new Uint32Array()),
    );
  });
  return { paths, blobs, outputs };
}

/** Rows of which all references are known, and theirs; each refers to rows before it alone. */
function closedRows(rows: MemoryDocument['paths']): boolean[] {
  const closed: boolean[] = [];
  for (const row of rows) {
    closed.push(row?.references?.every(at => closed[at] === true) ?? false);
  }
  return closed;
}

function isSoundBlob(at: number, { document, paths, held }: Checked): boolean {
  const blob = document.blobs[at];
  if (blob === undefined || !layerTypes.includes(blob.mediaType)) return false;
  const isPlain = blob.mediaType === mediaTypes.layer.none;
  if (isPlain && (blob.digest !== blob.diffId || blob.size !== blob.uncompressedSize)) return false;
  const named = (rows: ArrayLike<number>) => Array.from(rows, each => paths[each] ?? '');
  const carried = named(held[at] ?? []);
  if (carried.includes('')) return false;
  if (blob.kind === 'store' || carried.length > 0) return blob.key === blobKey(carried);
  const roots = named(blob.roots ?? []);
  if (roots.includes('')) return false;
  if (blob.kind !== 'root' || !blob.directories) return true;
  return blob.key === rootKey({ roots, directories: blob.directories });
}

/** For each row the first one of the same path: which build of it a layer holds is not told apart. */
function sameNames(paths: Checked['paths']): Uint32Array {
  const first = new Map<string | undefined, number>();
  return Uint32Array.from(paths, (path, at) => {
    if (!first.has(path)) first.set(path, at);
    return first.get(path) ?? at;
  });
}

/**
 * Asks whether a row reaches all of these paths, without making sets: they are large. What a layer holds is
 * mostly reached through what it holds, as layers below have the closures of what they have; all of the
 * closure is walked only where it is not. Where that takes longer than it can for any image, nothing is
 * reached.
 */
function walker(rows: MemoryDocument['paths'], names: Uint32Array) {
  const marks = new Uint32Array(rows.length);
  const wanted = new Uint32Array(rows.length);
  const reached = new Uint32Array(rows.length);
  const pending = new Uint32Array(rows.length);
  let walk = 0;
  let work = 0;
  const walkFrom = (root: number, isFollowed: (name: number) => boolean) => {
    let count = 0;
    const reach = (at: number) => {
      const name = names[at] ?? 0;
      if (marks[at] === walk || !isFollowed(name)) return;
      marks[at] = walk;
      reached[name] = walk;
      pending[count++] = at;
    };
    reach(root);
    while (count > 0 && work < limits.memoryWork) {
      const { references = [] } = rows[pending[--count] ?? 0] ?? {};
      work += references.length + 1;
      for (const at of references) reach(at);
    }
  };
  return (root: number, held: readonly Uint32Array[]): boolean => {
    walk += 1;
    const asked = walk;
    const isReached = () =>
      held.every(places => places.every(at => reached[names[at] ?? 0] === walk));
    for (const places of held) for (const at of places) wanted[names[at] ?? 0] = asked;
    walkFrom(root, name => wanted[name] === asked);
    if (isReached()) return true;
    walk += 1;
    walkFrom(root, () => true);
    return isReached();
  };
}
