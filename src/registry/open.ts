import type { Writable } from 'node:stream';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { archiveStore } from './archive.ts';
import type { ClientOptions } from './client.ts';
import { layoutStore } from './layout.ts';
import { type LocalPlace, localPlace, parseReference } from './reference.ts';
import { remoteStore } from './remote.ts';
import type { ImageStore } from './store.ts';

/** What {@link openStore} needs beside the image's name. */
export interface OpenStoreOptions extends ClientOptions {
  /** The image's name in a docker-archive, without a tag; default: "image". */
  imageName?: () => string;
  /** Ends a wait for another run, where the host's own signal is kept from the store. */
  interrupt?: AbortSignal | undefined;
}

/**
 * Opens the store that an image names by its form: `oci:DIR`, `docker-archive:FILE`, `-` (a
 * docker-archive on standard output), else a repository in a registry. Nothing is read or sent yet.
 */
export function openStore(image: string, options: OpenStoreOptions): ImageStore {
  const { host, imageName = () => 'image' } = options;
  if (image === '-') return archiveStore(standardOutput(host), { host, imageName });
  const local = localPlace(image);
  if (local !== undefined) return openLocal(local, options);
  return remoteStore(parseReference(image.replace(/^docker:\/\//, '')), options);
}

function openLocal(
  { kind, path }: LocalPlace,
  { host, interrupt, imageName = () => 'image' }: OpenStoreOptions,
): ImageStore {
  const isFolder = kind === 'oci';
  if (path === '') {
    throw new Failure(`"${kind}:" names no ${isFolder ? 'folder' : 'file'}.`, {
      next: `Write ${kind}: and a path.`,
      exitCode: 2,
    });
  }
  return isFolder ? layoutStore(path, host, interrupt) : archiveStore(path, { host, imageName });
}

function standardOutput({ stdout }: Host): Writable {
  if (stdout !== undefined) return stdout;
  throw new Failure('The image "-" is written to standard output, and here that takes no image.', {
    next: 'Write it to a file, docker-archive:FILE; on a terminal, put a pipe or a file behind it.',
    exitCode: 2,
  });
}
