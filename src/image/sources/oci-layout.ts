import { join } from 'node:path/posix';
import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import { fieldsOf, jsonValue } from '../../host/foreign-value.ts';
import { visible } from '../../host/visible.ts';
import type { Packing } from '../compress.ts';
import { mismatch } from '../decompress.ts';
import { digestOf, isDigest } from '../digest.ts';
import { chooseManifest, isImage, type Platform, platformsIn } from '../oci/choose.ts';
import { indexOf } from '../oci/convert.ts';
import { type LayoutIndex, readLayoutIndex, statedMediaType } from '../oci/documents.ts';
import type { ImageReader } from '../oci/reader.ts';
import { isReferrerTag } from '../oci/referrer-tags.ts';
import { storedImage } from '../oci/stored-image.ts';
import type { Descriptor } from '../types.ts';
import { fileBytes, fileSize, readDocument } from './file-bytes.ts';
import type { SourceFiles } from './source-files.ts';
import { checkLayerCount, repoTagSchema, type SourceImage, tagSchema } from './source-image.ts';

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
  const { reader, chosen, others, name } = await openLayout(files, { tag, platform });
  const image = await storedImage(reader, packing, {
    reference: chosen.digest,
    platform,
    name,
    ...namesOf(chosen),
    said: chosen.platform,
    others: platformsIn(others),
    rereads: files.rereads,
  });
  checkLayerCount(image.layers.length, {
    ...{ name, field: 'layers of its manifest' },
    next: 'Make the image of fewer layers, or of several in one.',
  });
  return image;
}

/** All that a name in a layout leads to. */
export interface WholeLayout {
  reader: ImageReader;
  /** Its digest: of an index, or of an only image. */
  reference: string;
  /** For people. */
  name: string;
  tags: readonly string[];
  close(): Promise<void>;
}

/** Opens all that a name leads to, as it is stored: images of several platforms get an index. */
export async function wholeOfLayout(
  files: LayoutFiles,
  choice: LayoutChoice,
): Promise<WholeLayout> {
  const { reader, chosen, others, name } = await openLayout(files, choice);
  const { tags } = namesOf(chosen);
  const whole = { name, tags, close: async () => undefined };
  if (others.length === 0) return { ...whole, reader, reference: chosen.digest };
  const index = indexOf({ manifests: [chosen, ...others].map(unnamed) });
  const getManifest = async (reference: string) =>
    reference === index.digest ? index : reader.getManifest(reference);
  return { ...whole, reader: { ...reader, getManifest }, reference: index.digest };
}

/** An entry without the name under which it is found. */
const unnamed = ({ annotations: _, ...entry }: Descriptor) => entry;

async function openLayout(files: LayoutFiles, choice: LayoutChoice) {
  const { named } = files;
  const index = readLayoutIndex(await files.read('index.json'), join(named, 'index.json'));
  const { chosen, others } = chooseImage(index.manifests, choice, named);
  const reader = layoutReader(files, index);
  return { reader, chosen, others, name: `OCI layout ${visible(named)}` };
}

/** Reads a layout's manifests and blobs by their digests, and by tags what refers to others. */
function layoutReader(files: LayoutFiles, { manifests, annotations }: LayoutIndex): ImageReader {
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
      const tagged = manifests.find(each => tagOf(each) === reference)?.digest;
      const digest = annotations[artifactName(reference)] ?? tagged ?? reference;
      if (!isDigest(digest)) return undefined;
      const listed = manifests.find(each => each.digest === digest);
      const bytes = await read(digest, listed?.size);
      return { bytes, digest, mediaType: listed?.mediaType ?? statedMediaType(bytes) };
    },
    referrersOf: digest => referrersIn(manifests, digest, read),
    getBlob: ({ digest, size }) => read(digest, size),
    openBlob: ({ digest, size }) => files.stream(blobPath(digest), size),
  };
}

/** What refers to a manifest, of what a layout lists without a name, as oras does; undefined where nothing does. */
async function referrersIn(
  listed: readonly Descriptor[],
  digest: string,
  read: (digest: string, size: number) => Promise<Buffer>,
): Promise<Descriptor[] | undefined> {
  const found: Descriptor[] = [];
  for (const entry of listed.filter(each => tagOf(each) === undefined)) {
    const { subject } = fieldsOf(jsonValue((await read(entry.digest, entry.size)).toString()));
    if (fieldsOf(subject).digest === digest) found.push(entry);
  }
  return found.length > 0 ? found : undefined;
}

/** Under which of the index's own annotations this program keeps the digest of what is no image. */
export const artifactName = (tag: string) => `comfy-nix.artifact/${tag}`;

const blobPath = (digest: string) => `blobs/sha256/${digest.slice('sha256:'.length)}`;

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
): { chosen: Descriptor; others: readonly Descriptor[] } {
  const images = entries.filter(each => isImage(each) && !isReferrerTag(tagOf(each) ?? ''));
  const named =
    tag === undefined
      ? images
      : images.filter(image => tagOf(image) === tag || tagOf(image)?.endsWith(`:${tag}`));
  const digests = new Set(named.map(image => image.digest));
  const [image] = named;
  if (image && digests.size === 1) return { chosen: image, others: [] };
  // one image for each platform, as in any other index
  const isOne = named.length > 0 && new Set(named.map(tagOf)).size === 1;
  const fitting = isOne ? chooseManifest(named, platform) : undefined;
  if (fitting) return { chosen: fitting, others: named.filter(each => each !== fitting) };
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
