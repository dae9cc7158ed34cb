import { limits } from '../../host/limits.ts';
import { blobKey, rootKey } from '../../image/keys.ts';
import { mediaTypes } from '../../image/types.ts';
import type { KnownBlob } from '../remembered.ts';
import type { MemoryDocument } from './document.ts';
import type { ReadPaths } from './paths.ts';

/** Rows of the document's tables that say what can be true; images may refer to these alone. */
export interface SoundRows {
  blobs: readonly boolean[];
  outputs: readonly boolean[];
}

/** What is looked at. */
interface Checked {
  paths: ReadPaths;
  outputs: MemoryDocument['outputs'];
  /** By their places; undefined where a row is none, or says that it is of paths that are none. */
  blobs: readonly (KnownBlob | undefined)[];
  /** The places of what each blob holds. */
  held: readonly Uint32Array[];
}

const layerTypes: readonly string[] = Object.values(mediaTypes.layer);

/**
 * Which rows of a memory agree with the others. The document says much of what it knows more than once:
 *
 * - a blob that is not compressed is its own content; its key is made of what the row says it is made of
 *   (see {@link hasItsKey}: that takes long, and is looked at where the blob is used, or in doubt);
 * - an output's closure is walked, so that it holds the output and is closed; it holds all that the blobs
 *   of its layers hold.
 *
 * A row that contradicts another is left out, and what it tells of is made again. References that are
 * missing everywhere, and consistently, cannot be told from true ones. The store is asked where it has
 * the output (see `agreeingWithStore`), and nothing else can be lost by it than what whoever writes here
 * could take out of the image itself.
 */
export function soundRows({ paths, outputs, blobs, held }: Checked): SoundRows {
  const closed = closedRows(paths);
  const reaches = walker(paths);
  const sound = blobs.map(blob => blob !== undefined && isSoundBlob(blob));
  const doubted = new Set<number>();
  const doubt = (at: number) => {
    const blob = blobs[at];
    if (blob && !doubted.has(at)) sound[at] &&= hasItsKey(blob);
    doubted.add(at);
  };
  const heldBy = (carriers: readonly number[]) =>
    carriers.filter(at => sound[at] === true).map(at => held[at] ?? new Uint32Array());
  const soundOutputs = outputs.map(output => {
    if (output === undefined || closed[output.path] !== 1) return false;
    if (reaches(output.path, heldBy(output.blobs))) return true;
    output.blobs.forEach(doubt);
    return reaches(output.path, heldBy(output.blobs));
  });
  return { blobs: sound, outputs: soundOutputs };
}

/** Rows of which all references are known, and theirs; each refers to rows before it alone. */
function closedRows({ count, starts, edges, isKnown }: ReadPaths): Uint8Array {
  const closed = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) {
    let known = isKnown(at);
    for (let each = starts[at] ?? 0; known && each < (starts[at + 1] ?? 0); each += 1) {
      known = closed[edges[each] ?? 0] === 1;
    }
    closed[at] = known ? 1 : 0;
  }
  return closed;
}

function isSoundBlob(blob: KnownBlob): boolean {
  if (!layerTypes.includes(blob.mediaType)) return false;
  const isPlain = blob.mediaType === mediaTypes.layer.none;
  return !isPlain || (blob.digest === blob.diffId && blob.size === blob.uncompressedSize);
}

/** Whether a blob's key is made of what is said that it is made of, as far as that can be told. */
export function hasItsKey(blob: KnownBlob): boolean {
  const { kind, key, paths, roots = [], directories, folders } = blob;
  if (kind === 'store' || paths.length > 0) return key === blobKey(paths);
  return kind !== 'root' || !directories || key === rootKey({ roots, directories, folders });
}

/**
 * Asks whether a row reaches all of these paths, without making sets: they are large. What a layer holds is
 * mostly reached through what it holds, as layers below have the closures of what they have; all of the
 * closure is walked only where it is not. Where that takes longer than it can for any image, nothing is
 * reached.
 */
function walker({ count: size, starts, edges, first }: ReadPaths) {
  const marks = new Uint32Array(size);
  const wanted = new Uint32Array(size);
  const reached = new Uint32Array(size);
  const pending = new Uint32Array(size);
  let walk = 0;
  let work = 0;
  const walkFrom = (root: number, isFollowed: (name: number) => boolean) => {
    let count = 0;
    const reach = (at: number) => {
      const name = first[at] ?? 0;
      if (marks[at] === walk || !isFollowed(name)) return;
      marks[at] = walk;
      reached[name] = walk;
      pending[count++] = at;
    };
    reach(root);
    while (count > 0 && work < limits.memoryWork) {
      const at = pending[--count] ?? 0;
      const [start = 0, end = 0] = [starts[at], starts[at + 1]];
      work += end - start + 1;
      for (let each = start; each < end; each += 1) reach(edges[each] ?? 0);
    }
  };
  return (root: number, held: readonly Uint32Array[]): boolean => {
    walk += 1;
    const asked = walk;
    const isReached = () =>
      held.every(places => places.every(at => reached[first[at] ?? 0] === walk));
    for (const places of held) for (const at of places) wanted[first[at] ?? 0] = asked;
    walkFrom(root, name => wanted[name] === asked);
    if (isReached()) return true;
    walk += 1;
    walkFrom(root, () => true);
    return isReached();
  };
}
