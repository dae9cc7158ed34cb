import { packedBlobSource } from '../blob-sources.ts';
import type { Packing } from '../compress.ts';
import { compressionOf, decompressAny } from '../decompress.ts';
import { bytesOf } from '../frames.ts';
import { damaged, readTar, type StreamedMember } from '../tar-reader.ts';
import { fileBytes, tarFileMembers } from './file-bytes.ts';
import {
  checkedSource,
  diffIdsOf,
  fixedConfig,
  isRecord,
  isStrings,
  malformed,
  parseJson,
  type SourceImage,
} from './source-image.ts';

/** Opens an archive's bytes from the start, as often as need be. */
export type OpenArchive = () => AsyncIterable<Buffer>;

/** Larger files of an archive are layers and no descriptions. */
const largestDescription = 16 << 20;

interface Place {
  start: number;
  size: number;
  compressed: boolean;
}

/** What an archive holds, found by reading it once. */
interface ArchiveIndex {
  /** Contents of files that may be a manifest or a config, by name. */
  descriptions: Map<string, Buffer>;
  /**
   * Where each file's content is, in bytes of the uncompressed archive, and whether it is packed.
   */
  places: Map<string, Place>;
  /** Links to files by name. */
  links: Map<string, string>;
}

/**
 * A docker archive in a file (`docker save`, dockerTools' `buildImage` and `buildLayeredImage`):
 * plain, gzip or zstd. Where it is plain, each layer is read by itself.
 */
export async function dockerArchiveFile(path: string, packing: Packing): Promise<SourceImage> {
  const open = () => fileBytes(path);
  const start = await firstChunk(open());
  if (compressionOf(start) !== 'none') return dockerArchive(open, path, packing);
  const index = await readIndex(tarFileMembers(path), path);
  const parts = describe(index, path);
  const layers = parts.layers.map(found => {
    const { start, size } = found.place;
    return layer(() => fileBytes(path, start, size), found, path, packing);
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
  file: string;
  diffId: string;
  place: Place;
}

function layer(
  content: OpenArchive,
  { file, diffId, place }: FoundLayer,
  archive: string,
  packing: Packing,
) {
  const name = `${file} in ${archive}`;
  const open = () => bytesOf(decompressAny(content(), name));
  const known = place.compressed ? { diffId } : { diffId, uncompressedSize: place.size };
  return { name: file, source: checkedSource(packedBlobSource(open, packing, known), name) };
}

/** What manifest.json and the config say. */
function describe(index: ArchiveIndex, name: string) {
  const manifest = manifestOf(index, name);
  const config = index.descriptions.get(manifest.Config);
  if (!config) throw malformed(name, `its config ${manifest.Config} is missing`);
  const diffIds = diffIdsOf(parseJson(config.toString(), `${manifest.Config} in ${name}`), name);
  if (diffIds.length !== manifest.Layers.length) {
    throw malformed(
      name,
      `it lists ${manifest.Layers.length} layers and ${diffIds.length} diffIDs`,
    );
  }
  const layers = manifest.Layers.map((listed, at): FoundLayer => {
    const file = followLinks(listed, index);
    const place = index.places.get(file);
    if (!place) throw malformed(name, `its layer ${listed} is missing`);
    return { file, diffId: diffIds[at] ?? '', place };
  });
  const image = {
    description: `docker archive ${name}`,
    repoTags: isStrings(manifest.RepoTags) ? manifest.RepoTags : [],
    config: fixedConfig(config, diffIds, name),
  };
  return { image, layers };
}

function manifestOf(index: ArchiveIndex, name: string) {
  const bytes = index.descriptions.get('manifest.json');
  if (!bytes) throw malformed(name, 'there is no manifest.json in it');
  const images = parseJson(bytes.toString(), `manifest.json in ${name}`);
  const image = Array.isArray(images) ? (images[0] as unknown) : undefined;
  if (!isRecord(image) || typeof image.Config !== 'string' || !isStrings(image.Layers)) {
    throw malformed(name, 'its manifest.json names no config and layers');
  }
  return {
    Config: normal(image.Config),
    Layers: image.Layers.map(normal),
    RepoTags: image.RepoTags,
  };
}

const normal = (path: string) => path.replace(/^(\.?\/)+/, '');

function followLinks(file: string, { links }: ArchiveIndex): string {
  let at = file;
  for (let count = 0; links.has(at) && count < 40; count += 1) at = links.get(at) ?? at;
  return at;
}

async function readIndex(
  members: AsyncIterable<StreamedMember>,
  name: string,
): Promise<ArchiveIndex> {
  const index: ArchiveIndex = {
    descriptions: new Map(),
    places: new Map(),
    links: new Map(),
  };
  for await (const member of members) {
    const path = normal(member.path);
    if (member.type === 'file') {
      const { start, size } = member;
      const described = isDescription(path, size) ? await description(member, name) : undefined;
      if (described) index.descriptions.set(path, described);
      const beginning = described ?? (await firstChunk(member.content()));
      index.places.set(path, { start, size, compressed: compressionOf(beginning) !== 'none' });
    } else if (member.type === 'symlink') {
      index.links.set(path, resolved(path, member.target));
    } else if (member.type === 'hardlink') index.links.set(path, normal(member.target));
  }
  return index;
}

/** An archive that is an OCI layout too has its config among its layers, in blobs/. */
const isDescription = (path: string, size: number) =>
  path.endsWith('.json') || (path.startsWith('blobs/') && size <= largestDescription);

async function description(member: StreamedMember, name: string): Promise<Buffer> {
  if (member.size > largestDescription) throw damaged(name, `${member.path} is too large`);
  const chunks: Buffer[] = [];
  for await (const chunk of member.content()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A link's target relative to the archive. */
function resolved(path: string, target: string): string {
  return new URL(target, `file:///${path}`).pathname.slice(1);
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
      members = readTar(open(), name);
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
