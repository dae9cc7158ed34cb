import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { eitherSignal } from '../host/signals.ts';
import { naming } from '../host/wait.ts';
import { digestOf, WrongDigest } from '../image/digest.ts';
import { type BlobResult, type BlobSource, type Descriptor, mediaTypes } from '../image/types.ts';
import { type ClientOptions, type RegistryClient, registryClient } from './client.ts';
import { corrupt } from './corrupt.ts';
import { downloadBlob } from './download.ts';
import { getManifest, putByDigest, putTag } from './manifests.ts';
import { mountsInto } from './mount.ts';
import { checkWrite } from './permission.ts';
import { findBlob } from './presence.ts';
import type { ImageReference } from './reference.ts';
import { referrersOf } from './referrers.ts';
import type { ImageStore, PutBlobOptions } from './store.ts';
import { tagsWith } from './tag-list.ts';
import { type Uploads, uploadsTo } from './upload.ts';

/**
 * An image store in a registry (OCI distribution-spec 1.1). Nothing is sent before it is used. A
 * tag in the reference is not looked at: every operation names its own.
 */
export function remoteStore(reference: ImageReference, options: ClientOptions): ImageStore {
  const client = registryClient(reference, options);
  const uploads = uploadsTo(client);
  const mount = mountsInto(client);
  const { host } = options;
  const { registry } = reference;
  /** What nobody waits for but the end. */
  const besides: Promise<void>[] = [];
  /** Nothing is waited for in silence, and a lost connection is a Failure. */
  const told = async <T>(work: (alive: () => void) => Promise<T>, what = registry): Promise<T> => {
    try {
      return await naming(what, host, work);
    } catch (error) {
      throw client.explained(error);
    }
  };
  return {
    remembers: true,
    takes: () => true,
    repository: client.repository,
    place: { registry, repository: reference.repository },
    logIn: () => told(client.logIn),
    checkWrite: () => told(() => checkWrite(client, work => void besides.push(work))),
    getManifest: name => told(() => getManifest(client, name)),
    getBlob: descriptor => told(() => getBlob(client, descriptor)),
    hasBlob: (digest, size) => told(() => hasBlob(client, digest, size)),
    openBlob: (descriptor, start) =>
      namingEach(registry, host, downloadBlob(client, descriptor, start)),
    putBlob: (source, { onProgress, signal } = {}) => {
      const either = eitherSignal(host.signal, signal);
      const put = (alive: () => void) => {
        const progress = (sent: number) => {
          alive();
          onProgress?.(sent);
        };
        return putBlob(client, uploads, source, { onProgress: progress, signal: either });
      };
      return told(put, `the upload of a layer to ${registry}`);
    },
    mountBlob: (digest, from) => told(() => mount(digest, from)),
    putBytes: (bytes, mediaType, { isNew = false } = {}) =>
      told(() => putBytes(client, uploads, bytes, mediaType, isNew)),
    putManifest: (bytes, mediaType, options = {}) =>
      told(() => putByDigest(client, bytes, mediaType, options)),
    putTag: (tag, manifest) => told(() => putTag(client, tag, manifest)),
    tagsWith: start => told(() => tagsWith(client, start)),
    referrersOf: digest => told(() => referrersOf(client, digest)),
    close: async () => {
      await Promise.all(besides);
      client.close();
    },
  };
}

/** Says what is being waited for, while a piece of it does not come. */
async function* namingEach(
  what: string,
  host: ClientOptions['host'],
  pieces: AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const next = await naming(what, host, () => pieces.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await pieces.return(undefined);
  }
}

/** Whether the repository has a blob, of this size if it says one and one is wanted. */
async function hasBlob(
  client: RegistryClient,
  digest: string,
  size: number | undefined,
): Promise<boolean> {
  const found = await findBlob(client, digest);
  return found !== undefined && (found.size ?? size) === (size ?? found.size);
}

async function getBlob(
  client: RegistryClient,
  { digest, size }: Descriptor,
): Promise<Buffer | undefined> {
  const url = client.blobUrl(digest);
  if (!(size >= 0 && size <= limits.memory)) {
    throw new Failure(`${client.repository}: the blob ${digest} (${size} bytes) is no document.`);
  }
  // what is longer than it should be is read a little further, so that its digest tells what is wrong
  const answerLimit = size + limits.answer;
  const answer = await client.exchange({ method: 'GET', url, answerLimit });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw client.refused(answer, `read the blob ${digest} of`);
  const actual = digestOf(answer.body);
  if (actual !== digest) throw corrupt(client, `blob ${digest}`, actual);
  if (answer.body.length === size) return answer.body;
  throw new WrongDigest(`${client.repository}: the blob ${digest} does not have ${size} bytes.`, {
    next: 'What names it is wrong: push the image again.',
  });
}

/** A blob that is known before it is read, and is there, is not read. */
async function putBlob(
  client: RegistryClient,
  uploads: Uploads,
  source: BlobSource,
  options: PutBlobOptions,
): Promise<BlobResult> {
  const { digest, mediaType } = source;
  const diffId = source.diffId ?? (mediaType === mediaTypes.layer.none ? digest : undefined);
  if (digest === undefined || diffId === undefined) return uploads.blob(source, options);
  const found = await findBlob(client, digest, options.signal);
  const size = source.size ?? found?.size;
  // what another size is stated for is not what is to be sent
  const isThere = found !== undefined && size !== undefined && (found.size ?? size) === size;
  if (!isThere) return uploads.blob(source, options);
  const plainSize = mediaType === mediaTypes.layer.none ? size : 0;
  return { digest, size, diffId, uncompressedSize: source.uncompressedSize ?? plainSize };
}

/** A small blob, unless it is there. */
async function putBytes(
  client: RegistryClient,
  uploads: Uploads,
  bytes: Buffer,
  mediaType: string,
  isNew: boolean,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const isThere = !isNew && (await hasBlob(client, digest, bytes.length));
  if (!isThere) await uploads.bytes(bytes, digest);
  return { mediaType, digest, size: bytes.length };
}
