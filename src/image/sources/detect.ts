import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import type { Packing } from '../compress.ts';
import { compressionOf } from '../decompress.ts';
import type { Platform } from '../oci/choose.ts';
import { type ArchiveChoice, archiveFile, archiveStream, wholeOfArchive } from './archive-image.ts';
import { fileBytes } from './file-bytes.ts';
import { findLayeredConf } from './layered-conf.ts';
import { nix2container } from './nix2container.ts';
import { layoutFolder, ociLayout, type WholeLayout, wholeOfLayout } from './oci-layout.ts';
import { programOutput } from './program-output.ts';
import type { SourceFiles } from './source-files.ts';
import { measuredImage, type SourceImage } from './source-image.ts';
import { streamLayeredImage } from './stream-layered.ts';

/** Which kind of image a built output is. */
export type SourceKind =
  | { kind: 'stream-layered'; conf: string }
  | { kind: 'program' }
  | { kind: 'archive' }
  | { kind: 'nix2container' }
  | { kind: 'oci-layout' };

/** Finds out what image was named; rejects with a {@link Failure} where it is none. */
export async function detectSource(files: SourceFiles): Promise<SourceKind> {
  const path = files.named;
  if (await files.isFolder()) {
    if (await files.has('oci-layout')) return { kind: 'oci-layout' };
    throw noImage(path, 'a folder without the file oci-layout');
  }
  const { start, executable } = await startOf(files);
  const conf = findLayeredConf(start.toString('latin1'));
  if (executable && conf) return { kind: 'stream-layered', conf };
  if (executable && (start.toString('latin1', 0, 2) === '#!' || isElf(start))) {
    return { kind: 'program' };
  }
  if (compressionOf(start) !== 'none' || start.toString('latin1', 257, 262) === 'ustar') {
    return { kind: 'archive' };
  }
  if (/^\s*\{/.test(start.toString('latin1', 0, 64))) return { kind: 'nix2container' };
  throw noImage(path, 'a file that is no archive, no program and no JSON');
}

/** What opening an image may need. */
export interface OpenSourceOptions {
  packing: Packing;
  /** Seconds since the epoch; asked of images that say "now" alone. */
  now: () => Promise<number>;
  /** Whether an output that is a program may be run: not what somebody else's code has built. */
  runPrograms: boolean;
  /** Environment for a program that writes an image. */
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal | undefined;
  /** Chooses an image of an OCI layout that holds several. */
  tag?: string;
  /** Chooses among the images of an index. */
  platform: Platform;
}

/** Opens an image of any kind. Layers that are not to be compressed have a known size. */
export async function openSource(
  files: SourceFiles,
  options: OpenSourceOptions,
): Promise<SourceImage> {
  const image = await openKind(files, options);
  const { packing, signal } = options;
  return packing.compression === 'none' ? measuredImage(image, signal) : image;
}

async function openKind(files: SourceFiles, options: OpenSourceOptions): Promise<SourceImage> {
  const { packing, now, env, signal, tag, platform } = options;
  const choice = { tag, platform, env };
  const path = files.named;
  const found = await detectSource(files);
  switch (found.kind) {
    case 'stream-layered':
      return streamLayeredImage(files, found.conf, packing, now, env);
    case 'program':
      if (!options.runPrograms) throw mustNotRun(path);
      return archiveStream(() => programOutput(path, env, signal), path, packing, choice);
    case 'archive':
      return archiveFile(files, path, packing, choice);
    case 'nix2container':
      return nix2container(files, packing);
    case 'oci-layout':
      return ociLayout(layoutFolder(files), packing, choice);
  }
}

/** All that a layout has under a name, in a folder or in an archive; undefined for images of another kind. */
export async function openWhole(
  files: SourceFiles,
  choice: ArchiveChoice,
): Promise<WholeLayout | undefined> {
  const { kind } = await detectSource(files);
  if (kind === 'oci-layout') return wholeOfLayout(layoutFolder(files), choice);
  return kind === 'archive' ? wholeOfArchive(files, files.named, choice) : undefined;
}

const isElf = (start: Buffer) => start.length >= 4 && start.readUInt32BE() === 0x7f454c46;

/** How the named file begins, and whether it is a program. */
async function startOf(files: SourceFiles): Promise<{ start: Buffer; executable: boolean }> {
  const { handle, executable } = await files.open(files.named);
  await handle.close();
  for await (const chunk of fileBytes(files, files.named)) {
    return { start: chunk.subarray(0, limits.telltale), executable };
  }
  return { start: Buffer.alloc(0), executable };
}

const mustNotRun = (path: string) =>
  new Failure(
    `${visible(path)} is a program that writes an image, and code from a fork is not run.`,
    {
      tried: 'Its output was not asked for: it would run outside of the build sandbox.',
      next: 'Use streamLayeredImage, a docker archive or a recipe, which are read and not run.',
    },
  );

const noImage = (path: string, what: string) =>
  new Failure(`${visible(path)} is no image: it is ${what}.`, {
    tried:
      'Looked for a recipe, streamLayeredImage, a docker archive or a program that writes one, ' +
      'nix2container and an OCI layout.',
    next: 'Name a flake output that builds an image, or give the target a recipe.',
  });
