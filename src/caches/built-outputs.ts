import { readFileSync } from 'node:fs';
import { parseDerivation } from '../nix/derivation.ts';

/** Names of the archives and layers that dockerTools and nix2container make; they are huge. */
const imageNames = /^docker-(image|layer)-|\.tar(\.(gz|zst|zstd|xz))?$|\.oci$/;

/**
 * Outputs of a derivation that was built, for caches to take: none of an image archive, which would
 * only repeat what its layers hold, and none whose path is not known before it is built. A download
 * (a derivation whose output has a fixed hash) is never taken for an image, whatever its name.
 * Empty for a derivation that cannot be read.
 *
 * @param images derivations that are images for another reason: the run's final target
 */
export function builtOutputs(drvPath: string, images: ReadonlySet<string> = new Set()): string[] {
  if (images.has(drvPath)) return [];
  try {
    const { outputs, env } = parseDerivation(readFileSync(drvPath, 'utf8'));
    const paths = [...outputs.values()].filter(path => path !== '');
    return env.has('outputHash') ? paths : paths.filter(path => !imageNames.test(nameOf(path)));
  } catch {
    return [];
  }
}

/** A store path's name: what follows the 32 characters of its hash. */
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1 + 33);
