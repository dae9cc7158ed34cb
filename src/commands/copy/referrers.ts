import { indexOf } from '../../image/oci/convert.ts';
import { readManifestOrIndex } from '../../image/oci/documents.ts';
import type { ImageReader, StoredManifest } from '../../image/oci/reader.ts';
import { cosignTags, referrersTag } from '../../image/oci/referrer-tags.ts';
import type { Descriptor } from '../../image/types.ts';
import type { ImageStore } from '../../registry/store.ts';

/** What copying of referrers works with. */
export interface ReferrerWork {
  reader: ImageReader;
  /** For people. */
  name: string;
  store: ImageStore;
  /** Tags that lead to what refers to others; they move when all is there. */
  tags: Map<string, StoredManifest>;
  /** Copies a manifest, and what it names, by tag or digest. */
  at(reference: string, depth: number): Promise<StoredManifest>;
}

/** Copies what refers to a manifest: signatures, attestations, and what refers to those. */
export async function copyReferrers(
  digest: string,
  depth: number,
  work: ReferrerWork,
): Promise<void> {
  const { reader, tags } = work;
  const referring = await listOf(reader, digest, work.name);
  for (const each of referring) await work.at(each.digest, depth + 1);
  if (referring.length > 0) await keepList(digest, referring, work);
  for (const tag of cosignTags(digest)) {
    if (await reader.getManifest(tag)) tags.set(tag, await work.at(tag, depth + 1));
  }
}

async function listOf(
  reader: ImageReader,
  digest: string,
  name: string,
): Promise<readonly Descriptor[]> {
  return (await reader.referrersOf?.(digest)) ?? taggedList(reader, digest, name);
}

async function taggedList(
  reader: Pick<ImageReader, 'getManifest'>,
  digest: string,
  name: string,
): Promise<readonly Descriptor[]> {
  const stored = await reader.getManifest(referrersTag(digest));
  const found = stored && readManifestOrIndex(stored.bytes, name);
  return found && 'manifests' in found ? found.manifests : [];
}

/** A store that finds referrers by itself has the list by now; to another one it is given, with what it had. */
async function keepList(
  digest: string,
  referring: readonly Descriptor[],
  { store, tags }: ReferrerWork,
): Promise<void> {
  if (await store.referrersOf?.(digest)) return;
  const known = new Set(referring.map(each => each.digest));
  const before = await taggedList(store, digest, store.repository);
  const others = before.filter(each => !known.has(each.digest));
  const list = indexOf({ manifests: [...others, ...referring] });
  await store.putManifest(list.bytes, list.mediaType);
  tags.set(referrersTag(digest), list);
}
