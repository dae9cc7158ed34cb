import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFailure } from './build-failure.ts';
import { createEventReader } from './events.ts';
import { runNix } from './nix.ts';
import { queryValid } from './store.ts';
import type { DerivationOutput, Nix, NixEvent } from './types.ts';
import { watchValidity } from './validity.ts';

/** How to realise. */
export interface RealiseOptions {
  /** A folder of this run, made when missing: its links protect outputs from garbage collection. */
  rootsDirectory: string;
  /** Receives what happens, and `output-valid` once for each output. */
  onEvent?: (event: NixEvent) => void;
  /** The layer that a derivation belongs to, for failures. */
  layerOf?: (drvPath: string) => string | undefined;
}

/**
 * Builds or substitutes the outputs, in one Nix process. What does not depend on a failed build is
 * realised all the same. When this ends, all that is valid is protected from garbage collection
 * until {@link dropRoots}.
 *
 * Rejects with a {@link Failure} that names every build that failed by itself, or with the reason
 * of the host's signal.
 */
export async function realise(
  nix: Nix,
  outputs: readonly DerivationOutput[],
  options: RealiseOptions,
): Promise<void> {
  if (outputs.length === 0) return;
  const tell = options.onEvent ?? (() => undefined);
  const outPaths = [...new Set(outputs.map(({ outPath }) => outPath))];
  const reader = createEventReader();
  const watch = watchValidity(nix, outPaths, reader, tell);
  const root = join(await newFolder(options.rootsDirectory), 'output');
  watch.look();
  const { code } = await runNix(nix, 'nix-store', realiseArguments(outputs, root), {
    // builds take what they take; Nix has settings for their time (timeout, max-silent-time)
    limit: 'none',
    onStderrLine: line => {
      const completed = reader.completed();
      for (const event of reader.read(line, nix.host.clock())) tell(event);
      if (reader.completed() !== completed) watch.look();
    },
  });
  await watch.finish();
  if (code === 0) return;
  await protect(nix, outPaths, root);
  throw buildFailure(reader.failed(), reader.errors(), options.layerOf);
}

/** Gives up the protection from garbage collection of all that was realised with this folder. */
export async function dropRoots(rootsDirectory: string): Promise<void> {
  await rm(rootsDirectory, { recursive: true, force: true });
}

/** "x.drv!out" names an output to every version of nix-store, and only to nix-store. */
function realiseArguments(outputs: readonly DerivationOutput[], root: string): string[] {
  const wanted = outputs.map(({ drvPath, outputName }) => `${drvPath}!${outputName}`);
  return [
    ...['--realise', '--keep-going', '--log-format', 'internal-json'],
    ...['--add-root', root, '--indirect'],
    ...new Set(wanted),
  ];
}

/** A failed `nix-store --realise` leaves no roots: they are made here for what it has done. */
async function protect(nix: Nix, outPaths: readonly string[], root: string): Promise<void> {
  const valid = await queryValid(nix, outPaths);
  if (valid.size === 0) return;
  await runNix(nix, 'nix-store', ['--realise', '--add-root', root, '--indirect', ...valid]);
}

/** Nix numbers the roots of one process; a folder for each keeps processes apart. */
async function newFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, 'realised-'));
}
