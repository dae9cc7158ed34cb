import { join } from 'node:path/posix';
import type { Packing } from '../compress.ts';
import { mismatch } from '../decompress.ts';
import type { Environment } from '../unpack-program.ts';
import { type Archive, archiveInFile, archiveInStream, followLinks, normal } from './archive.ts';
import { dockerArchive, isDockerArchive } from './docker-archive.ts';
import {
  type LayoutChoice,
  type LayoutFiles,
  ociLayout,
  type WholeLayout,
  wholeOfLayout,
} from './oci-layout.ts';
import type { SourceFiles } from './source-files.ts';
import { malformed, type SourceImage } from './source-image.ts';

/** Which image of an archive is meant, and by what it is unpacked. */
export interface ArchiveChoice extends LayoutChoice {
  env: Environment;
}

/** An image in an archive file, as Docker or as OCI describes it; packed or not. */
export async function archiveFile(
  files: SourceFiles,
  path: string,
  packing: Packing,
  choice: ArchiveChoice,
): Promise<SourceImage> {
  return imageIn(await archiveInFile(files, path, choice.env), packing, choice);
}

/** The same for an archive that comes as a stream, which is opened as often as need be. */
export async function archiveStream(
  open: () => AsyncIterable<Buffer>,
  name: string,
  packing: Packing,
  choice: ArchiveChoice,
): Promise<SourceImage> {
  return imageIn(await archiveInStream(open, name, choice.env), packing, choice);
}

/** All that an archive of a layout has under a name; undefined for one of another kind. */
export async function wholeOfArchive(
  files: SourceFiles,
  path: string,
  choice: ArchiveChoice,
): Promise<WholeLayout | undefined> {
  const archive = await archiveInFile(files, path, choice.env);
  if (!archive.index.places.has('oci-layout')) {
    await archive.close();
    return undefined;
  }
  return { ...(await wholeOfLayout(layoutIn(archive), choice)), close: archive.close };
}

/** `docker save` writes both descriptions; that of Docker has the image's names. */
async function imageIn(
  archive: Archive,
  packing: Packing,
  choice: ArchiveChoice,
): Promise<SourceImage> {
  if (isDockerArchive(archive)) return dockerArchive(archive, packing, choice.tag);
  if (!archive.index.places.has('oci-layout')) {
    throw malformed(archive.name, 'there is neither a manifest.json nor an oci-layout in it');
  }
  const image = await ociLayout(layoutIn(archive), packing, choice);
  return { ...image, sequential: archive.sequential, close: archive.close };
}

/** The files of a layout in an archive (oci-archive of skopeo and podman, `type=oci` of buildx). */
function layoutIn(archive: Archive): LayoutFiles {
  const { name, index } = archive;
  const find = (path: string) => {
    const file = followLinks(normal(path), index, name);
    if (!index.places.has(file)) throw malformed(name, `its ${path} is missing`);
    return file;
  };
  return {
    named: name,
    rereads: !archive.sequential,
    read: async path => {
      const document = index.descriptions.get(find(path));
      if (document) return document;
      throw malformed(name, `its ${path} is no document`);
    },
    async *stream(path, size) {
      const file = find(path);
      const found = index.places.get(file)?.size;
      if (found !== size) throw mismatch(join(name, path), `${size} bytes`, `${found} bytes`);
      yield* archive.content(file);
    },
  };
}
