import { Failure } from '../host/failure.ts';
import { type Answer, ConnectionLost, header } from '../host/http/message.ts';
import { pause } from '../host/http/retry.ts';
import { retries } from '../host/limits.ts';
import { digestOf, isDigest } from '../image/digest.ts';
import { isMediaType } from '../image/oci/documents.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';
import type { RegistryClient } from './client.ts';
import { corrupt } from './corrupt.ts';
import { checkSameDigest } from './presence.ts';
import { cannotMove, hasErrorCode } from './refusal.ts';
import type { PutManifestOptions, StoredManifest } from './store.ts';
import { withoutInsisting } from './without-insisting.ts';

/** Docker's own types too: images that are read may have been made by it. */
const manifestTypes = [
  mediaTypes.manifest,
  mediaTypes.index,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

/** Reads a manifest by digest or tag; undefined where there is none. */
export async function getManifest(
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

/**
 * Puts a manifest under its digest. Some registries take manifests by tags alone: nothing is stored then,
 * until a tag comes, unless none is to come.
 */
export async function putByDigest(
  client: RegistryClient,
  bytes: Buffer,
  mediaType: string,
  { mayBeRefused = false, untagged = false }: PutManifestOptions,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const answer = await put(client, digest, { bytes, mediaType }, mayBeRefused);
  if (!untagged && wantsTag(answer, mayBeRefused)) return { mediaType, digest, size: bytes.length };
  await checkPut(client, answer, digest, digest);
  return { mediaType, digest, size: bytes.length };
}

/**
 * Whether a registry has nothing against this manifest, but against a digest in the place of its tag; where
 * the manifest may well be refused, only its own words tell.
 */
function wantsTag(answer: Answer, mayBeRefused: boolean): boolean {
  if (hasErrorCode(answer, 'TAG_INVALID')) return true;
  if (mayBeRefused) return false;
  if ([405, 501].includes(answer.status)) return true;
  return [400, 404].includes(answer.status) && hasErrorCode(answer, 'UNSUPPORTED');
}

/** Points a tag at a manifest. One that cannot be moved, and names this very manifest, need not be. */
export async function putTag(
  client: RegistryClient,
  tag: string,
  { bytes, mediaType, digest }: StoredManifest,
): Promise<void> {
  const answer = await put(client, tag, { bytes, mediaType });
  try {
    await checkPut(client, answer, tag, digest);
  } catch (error) {
    const there = cannotMove(error) ? await currentAt(client, tag) : undefined;
    if (there !== digest) throw error;
  }
}

/** What a tag points to; undefined where that is not told, which the first refusal explains better. */
async function currentAt(client: RegistryClient, tag: string): Promise<string | undefined> {
  try {
    return (await getManifest(client, tag))?.digest;
  } catch (error) {
    if (error instanceof Failure || error instanceof ConnectionLost) return undefined;
    throw error;
  }
}

/** Asks again where a registry takes a moment to show a manifest the blobs that it has taken. */
async function put(
  client: RegistryClient,
  name: string,
  { bytes, mediaType }: Pick<StoredManifest, 'bytes' | 'mediaType'>,
  mayBeRefused = false,
): Promise<Answer> {
  const url = client.manifestUrl(name);
  const headers = { 'content-type': mediaType };
  const request = { method: 'PUT', url, headers, body: bytes, bodyMayMove: true };
  for (let tried = 1; ; tried++) {
    const answer = await (mayBeRefused
      ? withoutInsisting(client, request)
      : client.exchange(request));
    const isMissing = hasErrorCode(answer, 'MANIFEST_BLOB_UNKNOWN');
    if (!isMissing || tried >= retries.settling) return answer;
    await pause(client.policy, tried, undefined, client.signal);
  }
}

/** Makes sure that the registry has taken these bytes; where its answer does not tell, it is asked. */
async function checkPut(
  client: RegistryClient,
  answer: Answer,
  name: string,
  digest: string,
): Promise<void> {
  if (answer.status < 200 || answer.status > 299) {
    throw client.refused(answer, `store the manifest ${name} in`);
  }
  checkSameDigest(client, answer, digest);
  if (header(answer, 'docker-content-digest') !== undefined) return;
  const stored = await getManifest(client, name);
  if (stored?.digest === digest) return;
  throw corrupt(client, `manifest ${name}`, stored?.digest ?? 'of nothing');
}
