import { type Derivation, readDerivationFile } from '../nix/derivation.ts';

/** Names of the archives and layers that dockerTools and nix2container make; they are huge. */
const imageNames = /^docker-(image|layer)-|\.tar(\.(gz|zst|zstd|xz))?$|\.oci$/;

/**
 * Outputs of a derivation that was built, for caches to take: none that is an image archive, and none
 * whose path is not known before it is built. Empty for a derivation that cannot be read.
 *
 * @param images derivations that are images for another reason: the run's final target
 */
export function builtOutputs(drvPath: string, images: ReadonlySet<string> = new Set()): string[] {
  if (images.has(drvPath)) return [];
  const paths = [...(derivationIfThere(drvPath)?.outputs.values() ?? [])];
  return paths.filter(path => path !== '' && !isImageArchive(path, drvPath));
}

/**
 * Whether an output is an image archive or one of its layers, which would only repeat what the layers'
 * paths hold: no cache gets it. A download (a derivation whose output has a fixed hash) is never taken
 * for an image, whatever its name; where the derivation cannot be read, the name alone decides.
 */
export function isImageArchive(outPath: string, drvPath: string): boolean {
  if (!imageNames.test(nameOf(outPath))) return false;
  return derivationIfThere(drvPath)?.env.has('outputHash') !== true;
}

/** A derivation that may have been collected since it was built. */
export function derivationIfThere(drvPath: string): Derivation | undefined {
  try {
    return readDerivationFile(drvPath);
  } catch {
    return undefined;
  }
}

/** A store path's name: what follows the 32 characters of its hash. */
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1 + 33);
