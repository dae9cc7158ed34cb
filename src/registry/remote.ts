import { Failure } from '../host/failure.ts';
import { type Answer, ConnectionLost, header } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import { eitherSignal } from '../host/signals.ts';
import { digestOf, isDigest, WrongDigest } from '../image/digest.ts';
import { isMediaType } from '../image/oci/documents.ts';
import { type BlobResult, type BlobSource, type Descriptor, mediaTypes } from '../image/types.ts';
import { type ClientOptions, type RegistryClient, registryClient } from './client.ts';
import { downloadBlob } from './download.ts';
import { checkWrite } from './permission.ts';
import { checkSameDigest, findBlob } from './presence.ts';
import { type ImageReference, namesRegistry } from './reference.ts';
import { cancel, nextSession } from './session.ts';
import type { ImageStore, PutBlobOptions, StoredManifest } from './store.ts';
import { tagsWith } from './tag-list.ts';
import { uploadBlob, uploadBytes } from './upload.ts';

/** Docker's own types too: images that are read may have been made by it. */
const manifestTypes = [
  mediaTypes.manifest,
  mediaTypes.index,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

/**
 * An image store in a registry (OCI distribution-spec 1.1). Nothing is sent before it is used. A
 * tag in the reference is not looked at: every operation names its own.
 */
export function remoteStore(reference: ImageReference, options: ClientOptions): ImageStore {
  const client = registryClient(reference, options);
  const { signal: runSignal } = options.host;
  return {
    remembers: true,
    takes: () => true,
    repository: client.repository,
    logIn: () => explained(client, client.logIn),
    checkWrite: () => explained(client, () => checkWrite(client)),
    getManifest: name => explained(client, () => getManifest(client, name)),
    getBlob: descriptor => explained(client, () => getBlob(client, descriptor)),
    hasBlob: (digest, size) => explained(client, () => hasBlob(client, digest, size)),
    openBlob: (descriptor, start) => downloadBlob(client, descriptor, start),
    putBlob: (source, { onProgress, signal } = {}) => {
      const either = eitherSignal(runSignal, signal);
      const put = { ...(onProgress ? { onProgress } : {}), signal: either };
      return explained(client, () => putBlob(client, source, put));
    },
    mountBlob: (digest, from) => mountBlob(client, digest, from),
    putBytes: (bytes, mediaType) => explained(client, () => putBytes(client, bytes, mediaType)),
    putManifest: (bytes, mediaType, { mayBeRefused = false } = {}) =>
      explained(client, () =>
        putManifest(client, bytes, mediaType, digestOf(bytes), !mayBeRefused),
      ),
    putTag: (tag, { bytes, mediaType }) =>
      explained(client, async () => {
        await putManifest(client, bytes, mediaType, tag);
      }),
    tagsWith: start => explained(client, () => tagsWith(client, start)),
    close: async () => client.close(),
  };
}

async function explained<T>(client: RegistryClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw client.explained(error);
  }
}

async function getManifest(
  client: RegistryClient,
  name: string,
): Promise<StoredManifest | undefined> {
  const answer = await client.exchange({
    method: 'GET',
    url: client.manifestUrl(name),
    headers: { accept: manifestTypes },
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw client.refused(answer, `read the manifest ${name} of`);
  const digest = digestOf(answer.body);
  if (isDigest(name) && digest !== name) throw corrupt(client, `manifest ${name}`, digest);
  checkSameDigest(client, answer, digest);
  return { bytes: answer.body, mediaType: mediaTypeOf(answer), digest };
}

function mediaTypeOf(answer: Answer): string {
  const stated = (header(answer, 'content-type') ?? '').replace(/;.*$/, '').trim();
  return isMediaType(stated) ? stated : mediaTypes.manifest;
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

function corrupt(client: RegistryClient, what: string, actual: string): WrongDigest {
  return new WrongDigest(`${client.repository}: the ${what} arrived with the digest ${actual}.`, {
    tried: 'comparing the digest of the bytes with the one that was asked for',
    next: 'The registry, or a cache before it, is damaged: push the image again.',
  });
}

/** A blob that is known before it is read, and is there, is not read. */
async function putBlob(
  client: RegistryClient,
  source: BlobSource,
  options: PutBlobOptions,
): Promise<BlobResult> {
  const { digest, mediaType } = source;
  const diffId = source.diffId ?? (mediaType === mediaTypes.layer.none ? digest : undefined);
  if (digest === undefined || diffId === undefined) return uploadBlob(client, source, options);
  const found = await findBlob(client, digest, options.signal);
  const size = source.size ?? found?.size;
  // what another size is stated for is not what is to be sent
  const isThere = found !== undefined && size !== undefined && (found.size ?? size) === size;
  if (!isThere) return uploadBlob(client, source, options);
  const plainSize = mediaType === mediaTypes.layer.none ? size : 0;
  return { digest, size, diffId, uncompressedSize: source.uncompressedSize ?? plainSize };
}

/** Mounting is a shortcut: whatever keeps it from working, the blob can be uploaded. */
async function mountBlob(client: RegistryClient, digest: string, from: string): Promise<boolean> {
  const repository = repositoryOnSameRegistry(client, from);
  if (repository === undefined || repository === client.reference.repository) return false;
  const url = client.uploadsUrl();
  url.search = new URLSearchParams({ mount: digest, from: repository }).toString();
  try {
    const scope = `repository:${repository}:pull`;
    const answer = await client.exchange({ method: 'POST', url, scope });
    if (answer.status === 202) await cancel(client, nextSession(answer, 0));
    if (answer.status !== 201) return false;
    checkSameDigest(client, answer, digest);
    return true;
  } catch (error) {
    client.signal?.throwIfAborted();
    if (error instanceof Failure || error instanceof ConnectionLost) return false;
    throw error;
  }
}

/** Only within one registry can a blob be mounted: "ghcr.io/o/base" for ghcr.io, or "o/base". */
function repositoryOnSameRegistry({ reference }: RegistryClient, from: string) {
  const [first = '', ...rest] = from.toLowerCase().split('/');
  if (rest.length === 0 || !namesRegistry(first)) return from.toLowerCase();
  return first === reference.registry ? rest.join('/') : undefined;
}

/** A small blob, unless it is there. */
async function putBytes(
  client: RegistryClient,
  bytes: Buffer,
  mediaType: string,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  if (!(await hasBlob(client, digest, bytes.length))) await uploadBytes(client, bytes, digest);
  return { mediaType, digest, size: bytes.length };
}

/** Puts a manifest under its digest or a tag, and makes sure that the registry has these bytes. */
async function putManifest(
  client: RegistryClient,
  bytes: Buffer,
  mediaType: string,
  name: string,
  retry = true,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const url = client.manifestUrl(name);
  const headers = { 'content-type': mediaType };
  const put = { method: 'PUT', url, headers, body: bytes, bodyMayMove: true, retry };
  const answer = await client.exchange(put);
  if (answer.status < 200 || answer.status > 299) {
    throw client.refused(answer, `store the manifest ${name} in`);
  }
  checkSameDigest(client, answer, digest);
  if (header(answer, 'docker-content-digest') === undefined) {
    await checkStored(client, name, digest);
  }
  return { mediaType, digest, size: bytes.length };
}

/** Where the answer does not tell what was stored, it is asked for. */
async function checkStored(client: RegistryClient, name: string, digest: string): Promise<void> {
  const stored = await getManifest(client, name);
  if (stored?.digest === digest) return;
  throw corrupt(client, `manifest ${name}`, stored?.digest ?? 'of nothing');
}
