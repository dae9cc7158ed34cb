import { closureOfRow, loneRow, rowsOfStore } from '../../src/registry/memory/rows.ts';
import type {
  KnownBlob,
  RememberedImage,
  RememberedOutput,
} from '../../src/registry/remembered.ts';

/** An output that refers to all of its closure itself, and what carried it. */
export function rememberedOutput(
  outPath: string,
  closure: readonly string[],
  blobs: readonly KnownBlob[] = [],
): RememberedOutput {
  const rowOf = rowsOfStore(path => (path === outPath ? closure : []));
  return { outPath, row: rowOf(outPath) ?? loneRow(outPath), blobs };
}

/** Images to compare: what an output refers to as its closure, and what has no order in one. */
export const comparable = (images: readonly RememberedImage[]) =>
  images.map(image => ({
    ...image,
    blobs: image.blobs.map(each => ({ ...each, paths: [...each.paths].sort() })),
    outputs: image.outputs.map(({ row, ...output }) => ({
      ...output,
      closure: closureOfRow(row)?.sort(),
      blobs: output.blobs.map(({ digest }) => digest),
    })),
  }));
