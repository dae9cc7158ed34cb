import { join } from 'node:path/posix';
import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import { fieldsOf, jsonValue } from '../../host/foreign-value.ts';
import { visible } from '../../host/visible.ts';
import type { Packing } from '../compress.ts';
import { mismatch } from '../decompress.ts';
import { digestOf, isDigest } from '../digest.ts';
import { chooseManifest, isImage, type Platform } from '../oci/choose.ts';
import { readLayoutIndex } from '../oci/documents.ts';
import type { ImageReader } from '../oci/reader.ts';
import { storedImage } from '../oci/stored-image.ts';
import { type Descriptor, mediaTypes } from '../types.ts';
import { fileBytes, fileSize, readDocument } from './file-bytes.ts';
import type { SourceFiles } from './source-files.ts';
import { repoTagSchema, type SourceImage, tagSchema } from './source-image.ts';

/** The files of a layout, wherever they are: in a folder or in an archive. */
export interface LayoutFiles {
  /** For people. */
  readonly named: string;
  /** A document whole, by its path in the layout; rejects where it is not there. */
  read(path: string): Promise<Buffer>;
  /** A file's bytes, whose size is checked. */
  stream(path: string, size: number): AsyncIterable<Buffer>;
  /** Whether reading a file once more costs little. */
  readonly rereads: boolean;
}

/** The files of a layout in a folder. */
export const layoutFolder = (files: SourceFiles): LayoutFiles => ({
  named: files.named,
  rereads: true,
  read: path => readDocument(files, join(files.named, path)),
  async *stream(path, size) {
    const file = join(files.named, path);
    const found = await fileSize(files, file);
    if (found !== size) throw mismatch(file, `${size} bytes`, `${found} bytes`);
    yield* fileBytes(files, file, 0, size);
  },
});

/** Which image of a layout is meant. */
export interface LayoutChoice {
  /** Its name in the layout; not needed where there is only one image. */
  tag?: string | undefined;
  platform: Platform;
}

/** An image of an OCI layout (image-spec, image-layout.md). */
export async function ociLayout(
  files: LayoutFiles,
  packing: Packing,
  { tag, platform }: LayoutChoice,
): Promise<SourceImage> {
  const { reader, chosen, name } = await openLayout(files, { tag, platform });
  return storedImage(reader, packing, {
    reference: chosen.digest,
    platform,
    name,
    ...namesOf(chosen),
    rereads: files.rereads,
  });
}

/** All that a name in a layout leads to, as it is stored. */
export async function wholeOfLayout(files: LayoutFiles, choice: LayoutChoice) {
  const { reader, chosen, name } = await openLayout(files, choice);
  const { tags } = namesOf(chosen);
  return { reader, reference: chosen.digest, name, tags, close: async () => undefined };
}

async function openLayout(files: LayoutFiles, choice: LayoutChoice) {
  const { named } = files;
  const index = readLayoutIndex(await files.read('index.json'), join(named, 'index.json'));
  const chosen = chooseImage(index.manifests, choice, named);
  const reader = layoutReader(files, chosen, index.annotations);
  return { reader, chosen, name: `OCI layout ${visible(named)}` };
}

/** Reads a layout's manifests and blobs by their digests. */
function layoutReader(
  files: LayoutFiles,
  chosen: Descriptor,
  annotations: Readonly<Record<string, string>>,
): ImageReader {
  const read = async (digest: string, size?: number) => {
    const path = blobPath(digest);
    const name = join(files.named, path);
    const bytes = await files.read(path);
    const { length } = bytes;
    if (length !== (size ?? length)) throw mismatch(name, `${size} bytes`, `${length} bytes`);
    const found = digestOf(bytes);
    if (found !== digest) throw mismatch(name, digest, found);
    return bytes;
  };
  return {
    repository: `oci:${files.named}`,
    getManifest: async reference => {
      const digest = annotations[artifactName(reference)] ?? reference;
      if (!isDigest(digest)) return undefined;
      const listed = digest === chosen.digest ? chosen : undefined;
      const bytes = await read(digest, listed?.size);
      return { bytes, digest, mediaType: listed?.mediaType ?? statedMediaType(bytes) };
    },
    getBlob: ({ digest, size }) => read(digest, size),
    openBlob: ({ digest, size }) => files.stream(blobPath(digest), size),
  };
}

/** Under which of the index's own annotations this program keeps the digest of what is no image. */
export const artifactName = (tag: string) => `comfy-nix.artifact/${tag}`;

const blobPath = (digest: string) => `blobs/sha256/${digest.slice('sha256:'.length)}`;

/** A manifest that the index does not list says its type itself. */
function statedMediaType(manifest: Buffer): string {
  const { mediaType } = fieldsOf(jsonValue(manifest.toString()));
  return typeof mediaType === 'string' ? mediaType : mediaTypes.manifest;
}

/** Under which name a manifest is found: a tag, or a name with one. */
const refName = 'org.opencontainers.image.ref.name';
/** The whole name, where containerd or buildx wrote the layout. */
const fullName = 'io.containerd.image.name';

const tagOf = ({ annotations }: Descriptor) => annotations?.[refName];

/** What an image of a layout calls itself: a whole name, or a tag alone. */
function namesOf(image: Descriptor) {
  const names = [image.annotations?.[fullName], tagOf(image)].filter(name => name !== undefined);
  return {
    repoTags: names.filter(name => v.is(repoTagSchema, name)).slice(0, 1),
    tags: names.filter(name => v.is(tagSchema, name)),
  };
}

function chooseImage(
  entries: readonly Descriptor[],
  { tag, platform }: LayoutChoice,
  folder: string,
): Descriptor {
  const images = entries.filter(isImage);
  const named =
    tag === undefined
      ? images
      : images.filter(image => tagOf(image) === tag || tagOf(image)?.endsWith(`:${tag}`));
  const digests = new Set(named.map(image => image.digest));
  const [image] = named;
  if (image && digests.size === 1) return image;
  // one image for each platform, as in any other index
  const isOne = named.length > 0 && new Set(named.map(tagOf)).size === 1;
  const fitting = isOne ? chooseManifest(named, platform) : undefined;
  if (fitting) return fitting;
  throw unclear(images, tag, folder);
}

/** As many names as help in a message. */
const shownTags = 20;

function unclear(images: readonly Descriptor[], tag: string | undefined, folder: string): Failure {
  const shown = images.slice(0, shownTags).map(each => visible(tagOf(each) ?? each.digest));
  const more = images.length > shownTags ? ` and ${images.length - shownTags} more` : '';
  return new Failure(
    tag === undefined
      ? `The OCI layout ${visible(folder)} holds several images or none, and no tag says which.`
      : `The OCI layout ${visible(folder)} holds no image with the tag ${visible(tag)}.`,
    {
      next:
        shown.length === 0 ? 'Make the layout again.' : `Name one of: ${shown.join(', ')}${more}.`,
    },
  );
}
