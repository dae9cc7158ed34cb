import { Failure } from '../host/failure.ts';
import { patience } from '../host/limits.ts';
import { runNix } from './nix.ts';
import type { DerivationOutput, Nix } from './types.ts';

/** What realising some outputs asks of the disk, as far as Nix knows it beforehand. */
export interface DiskNeeds {
  /** Bytes over the network, and bytes in the store after it. */
  downloadBytes: number;
  unpackedBytes: number;
  /** Derivations to build; how large their outputs will be nobody knows. */
  builds: number;
}

/** The same, and which derivations and store paths these are. */
export interface ListedNeeds extends DiskNeeds {
  built: readonly string[];
  fetched: readonly string[];
}

/**
 * Asks Nix what it would fetch and build; substituters are asked for each path, whose answers Nix
 * remembers for the realisation. Undefined where it cannot say: then the realisation will tell why.
 */
export async function queryNeeds(
  nix: Nix,
  outputs: readonly DerivationOutput[],
): Promise<ListedNeeds | undefined> {
  if (outputs.length === 0) return parseDryRun('');
  const said = await dryRun(nix, outputs);
  return said === undefined ? undefined : parseDryRun(said);
}

/** The derivations that no substituter spares Nix from building; undefined where it cannot say. */
export async function queryBuilds(
  nix: Nix,
  outputs: readonly DerivationOutput[],
): Promise<Set<string> | undefined> {
  const said = await dryRun(nix, outputs);
  return said === undefined ? undefined : new Set(parseDryRun(said).built);
}

async function dryRun(nix: Nix, outputs: readonly DerivationOutput[]): Promise<string | undefined> {
  const wanted = new Set(outputs.map(({ drvPath, outputName }) => `${drvPath}!${outputName}`));
  const args = ['--realise', '--dry-run', ...wanted];
  const limit = { what: 'Nix to ask its caches what they have', ms: patience.dryRun };
  try {
    const { code, stderr } = await runNix(nix, 'nix-store', args, { limit });
    return code === 0 ? stderr : undefined;
  } catch (error) {
    nix.host.signal?.throwIfAborted();
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/**
 * Reads what `nix-store --realise --dry-run` says (Nix's `printMissing`): lists with a heading, such
 * as "these 2 paths will be fetched (0.10 MiB download, 0.30 MiB unpacked):". In Nix 2.8
 * the unit is always MiB; newer ones choose it, and round to a tenth.
 */
export function parseDryRun(said: string): ListedNeeds {
  const built = pathsBelow(said, / will be built:$/).filter(path => path.endsWith('.drv'));
  const fetched = pathsBelow(said, sizesFetched);
  const needs = { downloadBytes: 0, unpackedBytes: 0, builds: built.length, built, fetched };
  for (const line of said.split('\n')) {
    const sizes = sizesFetched.exec(line);
    needs.downloadBytes += bytes(sizes?.[1], sizes?.[2]);
    needs.unpackedBytes += bytes(sizes?.[3], sizes?.[4]);
  }
  return needs;
}

/** The paths under a heading such as "these 2 derivations will be built:", or "this derivation will …". */
function pathsBelow(said: string, heading: RegExp): string[] {
  const paths: string[] = [];
  let isBelow = false;
  for (const line of said.split('\n')) {
    if (!line.startsWith('  ')) isBelow = heading.test(line);
    else if (isBelow) paths.push(line.trim());
  }
  return paths;
}

const sizesFetched = /will be fetched \(([\d.]+) (\w+) download, ([\d.]+) (\w+) unpacked\)/;

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

const bytes = (value = '0', unit = 'B'): number =>
  Math.round(Number(value) * 1024 ** Math.max(0, units.indexOf(unit)));
