import { access, constants, stat } from 'node:fs/promises';
import { Failure } from '../../host/failure.ts';
import type { Packing } from '../compress.ts';
import { compressionOf } from '../decompress.ts';
import { unreadable } from '../store-tree.ts';
import { toByteString } from '../tar-header.ts';
import { dockerArchive, dockerArchiveFile } from './docker-archive.ts';
import { fileBytes } from './file-bytes.ts';
import { nix2container } from './nix2container.ts';
import { ociLayout } from './oci-layout.ts';
import { programOutput } from './program-output.ts';
import { measuredSource, type SourceImage, type SourceLayer } from './source-image.ts';
import { findLayeredConf, streamLayeredImage } from './stream-layered.ts';

/** Which kind of image a built output is. */
export type SourceKind =
  | { kind: 'stream-layered'; conf: string }
  | { kind: 'program' }
  | { kind: 'docker-archive' }
  | { kind: 'nix2container' }
  | { kind: 'oci-layout' };

/** As much of a file as its kind is told by; wrapper scripts are smaller. */
const telltaleSize = 1 << 18;

/** Finds out what image an output is; rejects with a {@link Failure} where it is none. */
export async function detectSource(path: string): Promise<SourceKind> {
  const stats = await stat(path).catch((error: unknown) => {
    throw unreadable(toByteString(path), error);
  });
  if (stats.isDirectory()) {
    if (await exists(`${path}/oci-layout`)) return { kind: 'oci-layout' };
    throw noImage(path, 'a folder without the file oci-layout');
  }
  const start = await startOf(path);
  const conf = findLayeredConf(start.toString('latin1'));
  const executable = (stats.mode & 0o111) !== 0;
  if (executable && conf) return { kind: 'stream-layered', conf };
  if (executable && (start.toString('latin1', 0, 2) === '#!' || isElf(start))) {
    return { kind: 'program' };
  }
  if (compressionOf(start) !== 'none' || start.toString('latin1', 257, 262) === 'ustar') {
    return { kind: 'docker-archive' };
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
  architecture?: string;
}

/** Opens an output of any kind. Layers that are not to be compressed have a known size. */
export async function openSource(path: string, options: OpenSourceOptions): Promise<SourceImage> {
  const image = await openKind(path, options);
  if (options.packing.compression !== 'none') return image;
  const layers: SourceLayer[] = [];
  for (const layer of image.layers) {
    layers.push({ ...layer, source: await measuredSource(layer.source, options.signal) });
  }
  return { ...image, layers };
}

async function openKind(path: string, options: OpenSourceOptions): Promise<SourceImage> {
  const { packing, now, env, signal, tag, architecture } = options;
  const found = await detectSource(path);
  switch (found.kind) {
    case 'stream-layered':
      return streamLayeredImage(found.conf, packing, now);
    case 'program':
      if (!options.runPrograms) throw mustNotRun(path);
      return dockerArchive(() => programOutput(path, env, signal), path, packing);
    case 'docker-archive':
      return dockerArchiveFile(path, packing);
    case 'nix2container':
      return nix2container(path, packing);
    case 'oci-layout':
      return ociLayout(path, packing, {
        ...(tag === undefined ? {} : { tag }),
        ...(architecture === undefined ? {} : { architecture }),
      });
  }
}

const isElf = (start: Buffer) => start.length >= 4 && start.readUInt32BE() === 0x7f454c46;

const exists = (path: string) =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  );

async function startOf(path: string): Promise<Buffer> {
  for await (const chunk of fileBytes(path)) return chunk.subarray(0, telltaleSize);
  return Buffer.alloc(0);
}

const mustNotRun = (path: string) =>
  new Failure(`${path} is a program that writes an image, and code from a fork is not run.`, {
    tried: 'Its output was not asked for: it would run outside of the build sandbox.',
    next: 'Use streamLayeredImage, a docker archive or a recipe, which are read and not run.',
  });

const noImage = (path: string, what: string) =>
  new Failure(`${path} is no image: it is ${what}.`, {
    tried:
      'Looked for a recipe, streamLayeredImage, a docker archive or a program that writes one, ' +
      'nix2container and an OCI layout.',
    next: 'Name a flake output that builds an image, or give the target a recipe.',
  });
