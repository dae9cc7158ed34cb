import type { KnownBlob, RememberedOutput } from '../../src/registry/remembered.ts';

/** An output that refers to all of its closure itself, and what carried it. */
export function rememberedOutput(
  outPath: string,
  closure: readonly string[],
  blobs: readonly KnownBlob[] = [],
): RememberedOutput {
  const others = closure.filter(path => path !== outPath).sort();
  const references = others.map(path => ({ path, references: [] }));
  return { outPath, row: { path: outPath, references }, blobs };
}
