import { dirname, join, resolve } from 'node:path/posix';
import * as v from 'valibot';
import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import { packedBlobSource } from '../blob-sources.ts';
import type { Packing } from '../compress.ts';
import { compressionOf, decompressAny } from '../decompress.ts';
import { bytesOf } from '../frames.ts';
import { type ByteString, toByteString, toText } from '../tar-header.ts';
import { damaged, readTar, type StreamedMember } from '../tar-reader.ts';
import { fileBytes, tarFileMembers } from './file-bytes.ts';
import type { SourceFiles } from './source-files.ts';
import {
  checkedSource,
  checkShape,
  diffIdsOf,
  fixedConfig,
  malformed,
  parseJson,
  repoTagSchema,
  type SourceImage,
} from './source-image.ts';

/** Opens an archive's bytes from the start, as often as need be. */
export type OpenArchive = () => AsyncIterable<Buffer>;

interface Place {
  start: number;
  size: number;
  compressed: boolean;
}

/** What an archive holds, found by reading it once. Names are as the tar has them, but normal. */
interface ArchiveIndex {
  /** Contents of files that may be a manifest or a config, by name. */
  descriptions: Map<ByteString, Buffer>;
  /**
   * Where each file's content is, in bytes of the uncompressed archive, and whether it is packed.
   */
  places: Map<ByteString, Place>;
  /** Links to files by name. */
  links: Map<ByteString, ByteString>;
  /** Names that several members have: which of them is meant, tools do not agree on. */
  repeated: Set<ByteString>;
}

/**
 * A docker archive in a file (`docker save`, dockerTools' `buildImage` and `buildLayeredImage`):
 * plain, gzip or zstd. Where it is plain, each layer is read by itself.
 */
export async function dockerArchiveFile(
  files: SourceFiles,
  path: string,
  packing: Packing,
): Promise<SourceImage> {
  const open = () => fileBytes(files, path);
  const start = await firstChunk(open());
  if (compressionOf(start) !== 'none') return dockerArchive(open, path, packing);
  const index = await readIndex(tarFileMembers(files, path), path);
  const parts = describe(index, path);
  const layers = parts.layers.map(found => {
    const { start, size } = found.place;
    return layer(() => fileBytes(files, path, start, size), found, path, packing);
  });
  return { ...parts.image, layers, sequential: false, close: async () => undefined };
}

/**
 * A docker archive that comes as a stream, such as a program's standard output; its compression is
 * told by its first bytes. It is read once to find what is in it, and once more for the layers, as
 * long as they are opened one by one and in order.
 */
export async function dockerArchive(
  open: OpenArchive,
  name: string,
  packing: Packing,
): Promise<SourceImage> {
  const uncompressed = () => decompressAny(open(), name);
  const parts = describe(await readIndex(readTar(uncompressed(), name), name), name);
  const contents = sequentialContents(uncompressed, name);
  const layers = parts.layers.map(found =>
    layer(() => contents.of(found.file), found, name, packing),
  );
  return { ...parts.image, layers, sequential: true, close: contents.close };
}

interface FoundLayer {
  file: ByteString;
  diffId: string;
  place: Place;
}

function layer(
  content: OpenArchive,
  { file, diffId, place }: FoundLayer,
  archive: string,
  packing: Packing,
) {
  const name = `${toText(file)} in ${archive}`;
  const open = () => bytesOf(decompressAny(content(), name));
  const known = place.compressed ? { diffId } : { diffId, uncompressedSize: place.size };
  return {
    name: toText(file),
    source: checkedSource(packedBlobSource(open, packing, known), name),
  };
}

/** What manifest.json and the config say. */
function describe(index: ArchiveIndex, name: string) {
  const manifest = manifestOf(index, name);
  const configName = followLinks(manifest.Config, index, name);
  const config = index.descriptions.get(configName);
  if (!config) throw lacks(name, 'config', manifest.Config);
  const described = `${toText(configName)} in ${name}`;
  const diffIds = diffIdsOf(parseJson(config.toString(), described), described);
  if (diffIds.length !== manifest.Layers.length) {
    throw malformed(
      name,
      `it lists ${manifest.Layers.length} layers and ${diffIds.length} diffIDs`,
    );
  }
  const layers = manifest.Layers.map((listed, at): FoundLayer => {
    const file = followLinks(listed, index, name);
    const place = index.places.get(file);
    if (!place) throw lacks(name, 'layer', listed);
    return { file, diffId: diffIds[at] ?? '', place };
  });
  const image = {
    description: `docker archive ${name}`,
    repoTags: manifest.RepoTags,
    config: fixedConfig(config, diffIds, name),
  };
  return { image, layers };
}

const lacks = (archive: string, what: string, file: ByteString) =>
  malformed(archive, `its ${what} ${visible(toText(file))} is missing`);

const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(limits.archiveName));

/** manifest.json (Docker's image specification 1.2): a list of images. */
const manifestSchema = v.array(
  v.object({
    Config: nameSchema,
    Layers: v.pipe(v.array(nameSchema), v.maxLength(limits.sourceLayers)),
    RepoTags: v.nullish(v.array(v.unknown())),
  }),
);

function manifestOf(index: ArchiveIndex, name: string) {
  const file = followLinks('manifest.json', index, name);
  const bytes = index.descriptions.get(file);
  if (!bytes) throw malformed(name, 'there is no manifest.json in it');
  const described = `manifest.json in ${name}`;
  const images = checkShape(manifestSchema, parseJson(bytes.toString(), described), described);
  const [image] = images;
  if (!image) throw malformed(name, 'its manifest.json names no image');
  if (images.length > 1) throw severalImages(name, images.length);
  return {
    Config: normal(toByteString(image.Config)),
    Layers: image.Layers.map(layer => normal(toByteString(layer))),
    RepoTags: (image.RepoTags ?? [])
      .filter(tag => typeof tag === 'string')
      .map(tag => checkShape(repoTagSchema, tag, `the tag ${visible(tag)} of ${name}`)),
  };
}

const severalImages = (name: string, count: number) =>
  new Failure(
    `The archive ${visible(name)} holds ${count} images, and nothing says which is meant.`,
    {
      next: 'Make an archive of one image alone, such as by `docker save NAME`.',
    },
  );

/** A name within the archive, however many "./" or slashes it begins with. */
const normal = (path: ByteString): ByteString => join('/', path).slice(1);

/** The file that a name stands for; throws where that is not certain. */
function followLinks(
  file: ByteString,
  { links, repeated }: ArchiveIndex,
  name: string,
): ByteString {
  let at = file;
  for (let count = 0; count <= limits.links; count += 1) {
    if (repeated.has(at)) {
      throw malformed(name, `it holds ${visible(toText(at))} more than once`);
    }
    const target = links.get(at);
    if (target === undefined) return at;
    at = target;
  }
  throw malformed(name, `${visible(toText(file))} is a link that leads to itself`);
}

async function readIndex(
  members: AsyncIterable<StreamedMember>,
  name: string,
): Promise<ArchiveIndex> {
  const index: ArchiveIndex = {
    descriptions: new Map(),
    places: new Map(),
    links: new Map(),
    repeated: new Set(),
  };
  let held = 0;
  for await (const member of checkedMembers(members, name)) {
    const path = normal(member.path);
    const { places, links, repeated } = index;
    if (member.type !== 'directory' && (places.has(path) || links.has(path))) repeated.add(path);
    if (member.type === 'symlink')
      links.set(path, resolve('/', dirname(path), member.target).slice(1));
    else if (member.type === 'hardlink') links.set(path, normal(member.target));
    if (member.type !== 'file') continue;
    const { start, size } = member;
    const { beginning, document } = await look(member, limits.documentsOfArchive - held, name);
    places.set(path, { start, size, compressed: compressionOf(beginning) !== 'none' });
    if (document) index.descriptions.set(path, document);
    held += document?.length ?? 0;
  }
  return index;
}

/** How a file begins, and all of it where it may be a manifest or a config. */
async function look(
  { content, size, path }: StreamedMember,
  room: number,
  name: string,
): Promise<{ beginning: Buffer; document?: Buffer }> {
  const chunks = content();
  try {
    const beginning = await startOf(chunks);
    if (!mayDescribe(beginning, size)) return { beginning };
    if (size > room)
      throw damaged(name, `the descriptions up to ${visible(toText(path))} are too large`);
    return { beginning, document: await whole(beginning, chunks) };
  } finally {
    await chunks.return(undefined);
  }
}

/** Members whose number and names an archive of an image may have. */
async function* checkedMembers(members: AsyncIterable<StreamedMember>, name: string) {
  let count = 0;
  for await (const member of members) {
    count += 1;
    if (count > limits.archiveMembers) {
      throw malformed(name, `it has more than ${limits.archiveMembers} members`);
    }
    if (Math.max(member.path.length, member.target.length) > limits.archiveName) {
      throw malformed(name, `a name in it has more than ${limits.archiveName} bytes`);
    }
    yield member;
  }
}

/** Whether a file may be a manifest or a config, whose name may be any: JSON, and neither large nor a tar. */
const mayDescribe = (beginning: Buffer, size: number) =>
  size <= limits.document &&
  /^\s*[[{]/.test(beginning.toString('latin1', 0, 64)) &&
  beginning.toString('latin1', 257, 262) !== 'ustar';

const startSize = 512;

/** The first bytes of a content, as many as tell what it is. */
async function startOf(content: AsyncIterator<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let size = 0; size < startSize; ) {
    const next = await content.next();
    if (next.done) break;
    chunks.push(next.value);
    size += next.value.length;
  }
  return Buffer.concat(chunks);
}

async function whole(beginning: Buffer, rest: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks = [beginning];
  for await (const chunk of rest) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function firstChunk(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  for await (const chunk of chunks) return chunk;
  return Buffer.alloc(0);
}

/**
 * Contents of a stream's files, one at a time. A file further on is reached by reading ahead; for
 * one that has passed the stream is opened again. Who asks while another reads waits for its end.
 */
function sequentialContents(open: OpenArchive, name: string) {
  let members: AsyncGenerator<StreamedMember> | undefined;
  const passed = new Set<string>();
  let turn: Promise<void> = Promise.resolve();

  const find = async (file: string): Promise<StreamedMember> => {
    if (!members || passed.has(file)) {
      await members?.return(undefined);
      passed.clear();
      members = checkedMembers(readTar(open(), name), name);
    }
    for (;;) {
      const next = await members.next();
      if (next.done) throw malformed(name, `${file} is missing when it is read again`);
      const path = normal(next.value.path);
      passed.add(path);
      if (path === file && next.value.type === 'file') return next.value;
    }
  };

  async function* of(file: string): AsyncGenerator<Buffer> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = turn;
    turn = promise;
    await before;
    try {
      yield* (await find(file)).content();
    } catch (error) {
      members = undefined;
      throw error;
    } finally {
      resolve();
    }
  }

  const close = async () => {
    await members?.return(undefined);
  };
  return { of, close };
}
