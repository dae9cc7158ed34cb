import { dirname, join, resolve } from 'node:path/posix';
import { limits } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';
import { compressionOf, decompressAny } from '../decompress.ts';
import { type ByteString, toText } from '../tar-header.ts';
import { damaged, readTar, type StreamedMember } from '../tar-reader.ts';
import type { Environment } from '../unpack-program.ts';
import { fileBytes, tarFileMembers } from './file-bytes.ts';
import type { SourceFiles } from './source-files.ts';
import { malformed } from './source-image.ts';

/** Opens an archive's bytes from the start, as often as need be. */
type OpenArchive = () => AsyncIterable<Buffer>;

export interface Place {
  start: number;
  size: number;
  compressed: boolean;
}

/** What an archive holds, found by reading it once. Names are as the tar has them, but normal. */
export interface ArchiveIndex {
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

/** An archive whose members are known, and can be read. */
export interface Archive {
  /** For people. */
  name: string;
  index: ArchiveIndex;
  /** A member's bytes, as they are in the archive. */
  content(file: ByteString): AsyncIterable<Buffer>;
  /** It is one stream: members are read one by one and in order, or all of it is read again. */
  sequential: boolean;
  close(): Promise<void>;
  env: Environment;
}

/** An archive in a file. Where that is not packed, each member is read by itself. */
export async function archiveInFile(
  files: SourceFiles,
  path: string,
  env: Environment,
): Promise<Archive> {
  const open = () => fileBytes(files, path);
  if (compressionOf(await firstChunk(open())) !== 'none') return archiveInStream(open, path, env);
  const index = await readIndex(tarFileMembers(files, path), path);
  const content = (file: ByteString) => {
    const { start, size } = index.places.get(file) ?? { start: 0, size: 0 };
    return fileBytes(files, path, start, size);
  };
  return { name: path, index, content, sequential: false, close: async () => undefined, env };
}

/**
 * An archive that comes as a stream, such as a program's standard output; its compression is told by its
 * first bytes. It is read once to find what is in it, and once more for its members, as long as they are
 * opened one by one and in order.
 */
export async function archiveInStream(
  open: OpenArchive,
  name: string,
  env: Environment,
): Promise<Archive> {
  const uncompressed = () => decompressAny(open(), name, env);
  const index = await readIndex(readTar(uncompressed(), name), name);
  const { of, close } = sequentialContents(uncompressed, name);
  return { name, index, content: of, sequential: true, close, env };
}

/** A name within the archive, however many "./" or slashes it begins with. */
export const normal = (path: ByteString): ByteString => join('/', path).slice(1);

/** The file that a name stands for; throws where that is not certain. */
export function followLinks(
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
