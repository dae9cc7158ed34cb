import { chmod, link, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { readDocument } from '../host/document-file.ts';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { withLock } from '../host/lock.ts';
import { writeOutput } from '../host/output-file.ts';
import { partialFile, writeFailure } from '../host/partial-files.ts';
import { isNamed } from '../host/presence.ts';
import { isReferrerTag } from '../image/oci/referrer-tags.ts';
import { artifactName } from '../image/sources/oci-layout.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';

const descriptorSchema = v.looseObject({
  mediaType: v.string(),
  // of any algorithm: entries of others are kept, and only those with sha256 are read
  digest: v.pipe(v.string(), v.regex(/^[a-z0-9+._-]{1,64}:[\w=-]{1,256}$/)),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  annotations: v.optional(v.record(v.string(), v.string())),
});
/** A layout's index.json (image-spec, image-layout.md); fields that are not known here stay. */
const indexSchema = v.looseObject({
  schemaVersion: v.literal(2),
  manifests: v.array(descriptorSchema),
  annotations: v.optional(v.record(v.string(), v.string())),
});
type LayoutIndex = v.InferOutput<typeof indexSchema>;

/** Under which name a manifest is found. */
const refName = 'org.opencontainers.image.ref.name';

/** Stays in the folder, empty; tools that read layouts look for names of their own. */
const lockName = '.comfy-nix-lock';

/** Reads index.json; a folder without one has no images. */
export async function readIndex(folder: string): Promise<LayoutIndex> {
  const path = join(folder, 'index.json');
  const text = await readDocument(path);
  return text === undefined ? emptyIndex() : parseIndex(text, path);
}

/** The index in a file's text. Throws a {@link Failure}; `path` is for that. */
export function parseIndex(text: string, path: string): LayoutIndex {
  try {
    const index = v.parse(indexSchema, JSON.parse(text));
    // what is nested too deep to be written again is none
    JSON.stringify(index);
    return index;
  } catch {
    throw new Failure(`${path} is not the index of an OCI image layout.`, {
      tried: 'Reading it as JSON with a list "manifests" of digests, sizes and media types.',
      next: 'Write to another folder, or remove this one.',
    });
  }
}

/** What a tag names: the digest of its manifest and, where the index says it, its media type. */
export function findTag(
  { manifests, annotations }: LayoutIndex,
  tag: string,
): { digest: string; mediaType?: string } | undefined {
  const digest = annotations?.[artifactName(tag)];
  if (digest !== undefined) return { digest };
  return manifests.find(entry => entry.annotations?.[refName] === tag);
}

/** The tags of a layout, those of memories among them. */
export async function tagsOfLayout(folder: string): Promise<string[]> {
  const { manifests, annotations = {} } = await readIndex(folder);
  const start = artifactName('');
  return [
    ...manifests.flatMap(entry => entry.annotations?.[refName] ?? []),
    ...Object.keys(annotations).flatMap(name =>
      name.startsWith(start) ? [name.slice(start.length)] : [],
    ),
  ];
}

/**
 * Points a tag at a manifest; other entries stay. Safe against other processes doing the same, of
 * whatever container. Rejects with a {@link Failure}, and with the signal's reason when that aborts
 * while another process is waited for.
 */
export async function setTag(
  folder: string,
  tag: string,
  manifest: Descriptor,
  host: Host,
): Promise<void> {
  const lock = join(folder, lockName);
  await shareLock(folder, lock);
  await withLock(lock, { what: `the image layout ${folder}` }, host, async () => {
    const index = await readIndex(folder);
    const text = `${JSON.stringify(withTag(index, tag, manifest), undefined, 2)}\n`;
    await writeOutput(join(folder, 'index.json'), text, host);
  });
}

/**
 * The index with the tag at this manifest, and at nothing else. What is no image, such as a memory, is an
 * annotation: were it a manifest of the list, a layout of one image would hold two for tools that take
 * no tag.
 */
function withTag(index: LayoutIndex, tag: string, manifest: Descriptor): LayoutIndex {
  const manifests = index.manifests.filter(each => each.annotations?.[refName] !== tag);
  const { [artifactName(tag)]: _, ...annotations } = index.annotations ?? {};
  if (manifest.artifactType !== undefined || isReferrerTag(tag)) {
    const named = { ...annotations, [artifactName(tag)]: manifest.digest };
    return { ...index, manifests, annotations: named };
  }
  const entry = { ...manifest, annotations: { ...manifest.annotations, [refName]: tag } };
  const { annotations: _before, ...rest } = index;
  const kept = Object.keys(annotations).length > 0 ? { annotations } : {};
  return { ...rest, manifests: [...manifests, entry], ...kept };
}

/**
 * Whoever may write to the folder may lock it: a layout can be shared by users of a group. The lock gets
 * its name when it is complete: to close it afterwards would free it for this process's other writers.
 */
async function shareLock(folder: string, lock: string): Promise<void> {
  if (await isNamed(lock)) return;
  try {
    const partial = await partialFile(folder);
    try {
      await writeFile(partial.path, '');
      await chmod(partial.path, (await stat(folder)).mode & 0o666);
      // where it is there by now, or the file system has no links, the lock is made by who takes it
      await link(partial.path, lock).catch(() => undefined);
    } finally {
      await partial.discard();
    }
  } catch (error) {
    throw writeFailure(error, lock);
  }
}

function emptyIndex(): LayoutIndex {
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };
}
