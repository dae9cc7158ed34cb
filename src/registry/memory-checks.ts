import { limits } from '../host/limits.ts';
import { blobKey } from '../image/keys.ts';
import { mediaTypes } from '../image/types.ts';
import type { MemoryDocument } from './memory-document.ts';

/** Rows of the document's tables that say what can be true; images may refer to these alone. */
export interface SoundRows {
  blobs: ReadonlySet<number>;
  outputs: ReadonlySet<number>;
}

const layerTypes: readonly string[] = Object.values(mediaTypes.layer);

/**
 * Which rows of a memory agree with the others. The document says everything it knows more than once:
 *
 * - a blob's key is made of its paths, and a blob that is not compressed is its own content;
 * - an output's closure holds the output, and all that its layers' blobs hold, each path once;
 * - within an image, the closure of an output that is part of another's is part of it too.
 *
 * A row that contradicts another is left out, and what it tells of is made again. A closure that lacks a
 * path everywhere, and consistently, cannot be told from a true one: only references could show it. The
 * store is asked where it has the output (see `agreeingWithStore`), and nothing else can be lost by it
 * than what whoever writes here could take out of the image itself.
 *
 * @param paths absolute, by their index
 * @returns undefined where comparing takes longer than it can for any image
 */
export function soundRows(
  document: MemoryDocument,
  paths: readonly string[],
): SoundRows | undefined {
  const blobs = indexesOf(document.blobs, blob => isSoundBlob(blob, paths));
  const marks = marker(paths.length);
  const own = indexesOf(document.outputs, output => isSoundOutput(output, document, blobs, marks));
  const contradicted = contradictedOutputs(document, own, marks);
  return contradicted && { blobs, outputs: own.difference(contradicted) };
}

type Blob = MemoryDocument['blobs'][number];
type Output = MemoryDocument['outputs'][number];

function isSoundBlob(blob: Blob, paths: readonly string[]): boolean {
  if (!layerTypes.includes(blob.mediaType)) return false;
  const isPlain = blob.mediaType === mediaTypes.layer.none;
  if (isPlain && (blob.digest !== blob.diffId || blob.size !== blob.uncompressedSize)) return false;
  // layers of links, and of other tools, have keys that other things than their paths make
  return blob.paths.length === 0 || blob.key === blobKey(blob.paths.map(at => paths[at] ?? ''));
}

function isSoundOutput(
  { path, closure, blobs }: Output,
  document: MemoryDocument,
  soundBlobs: ReadonlySet<number>,
  marks: Marker,
): boolean {
  const isMarked = marks(closure);
  if (!isMarked(path)) return false;
  if (!blobs.every(at => soundBlobs.has(at))) return false;
  const carried = blobs.map(at => document.blobs[at]?.paths ?? []);
  // asked first: then no more is looked through than the document is long
  const count = carried.reduce((sum, held) => sum + held.length, 0);
  return count <= closure.length && carried.every(held => held.every(isMarked));
}

/**
 * Outputs whose closures lack what the closure of one of their paths holds, as an image tells of both.
 * Undefined where there is more to compare than any image has.
 */
function contradictedOutputs(
  { outputs, images }: MemoryDocument,
  sound: ReadonlySet<number>,
  marks: Marker,
): Set<number> | undefined {
  const contradicted = new Set<number>();
  const compared = new Set<number>();
  let work = 0;
  for (const image of images) {
    const rows = image.outputs.filter(at => sound.has(at));
    for (const at of rows) {
      // most images have most rows in common
      const others = rows.filter(
        other => other !== at && !compared.has(at * outputs.length + other),
      );
      if (others.length === 0) continue;
      const closure = outputs[at]?.closure ?? [];
      const isMarked = marks(closure);
      work += closure.length + others.length;
      for (const other of others) {
        compared.add(at * outputs.length + other);
        const { path = -1, closure: within = [] } = outputs[other] ?? {};
        if (!isMarked(path)) continue;
        work += within.length;
        if (work > limits.memoryWork) return undefined;
        if (!within.every(isMarked)) contradicted.add(at);
      }
    }
  }
  return contradicted;
}

type Marker = (indexes: readonly number[]) => (index: number) => boolean;

/** Sets of indexes, one at a time, without making any: they are large, and asked millions of times. */
function marker(size: number): Marker {
  const marks = new Uint32Array(size);
  let current = 0;
  return indexes => {
    current += 1;
    const mark = current;
    for (const index of indexes) marks[index] = mark;
    return index => marks[index] === mark;
  };
}

function indexesOf<T>(rows: readonly T[], isWanted: (row: T) => boolean): Set<number> {
  return new Set(rows.flatMap((row, at) => (isWanted(row) ? [at] : [])));
}
