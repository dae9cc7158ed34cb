import { Failure } from '../host/failure.ts';
import { AnswerTooLong } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import { WrongDigest } from '../image/digest.ts';
import { linuxOn } from '../image/oci/choose.ts';
import { findManifest, WrongDocument } from '../image/oci/documents.ts';
import { type Manifest, mediaTypes } from '../image/types.ts';
import { parseMemory, serializeMemory } from './memory-format.ts';
import type { KnownBlob, Memory, RememberedImage } from './remembered.ts';
import type { ImageStore } from './store.ts';

/** Media types of the artifact that holds the memory (image-spec, "Guidance for Artifacts"). */
const memoryMediaTypes = {
  artifact: 'application/vnd.comfy-nix.memory.v1',
  config: 'application/vnd.comfy-nix.memory.v1+json',
} as const;

/** How many images a memory holds; the oldest are forgotten, and with them their blobs. */
const rememberedImages = 20;

/** How many of them may be runs that failed: they must not crowd out what was finished. */
const rememberedFailures = 5;

/** A memory as found, and whether it may be written again. */
export interface FoundMemory {
  memory: Memory;
  /** False where a newer program keeps a memory that this one cannot read. */
  writable: boolean;
  /** A sentence, where something was there that could not be used. */
  warning?: string;
}

const nothing: FoundMemory = { memory: { images: [] }, writable: true };

/**
 * Reads the memory at `reference` (a tag or digest of the store's repository). A missing memory is an
 * empty one; a damaged one or one of a newer format is ignored with a warning. Rejects only when the
 * store itself fails.
 *
 * @param architecture OCI name; chooses the manifest where the reference is an index
 */
export async function readMemory(
  store: ImageStore,
  reference: string,
  storeDir: string,
  architecture: string,
): Promise<FoundMemory> {
  const where = `The memory at ${store.repository}:${reference}`;
  const ignored = (why: string, writable = true): FoundMemory => ({
    ...nothing,
    writable,
    warning: `${where} ${why}; it is ignored, and this run makes every layer it needs.`,
  });
  const manifest = await manifestAt(store, reference, architecture);
  if (manifest === undefined) return nothing;
  if (manifest instanceof Failure) return ignored(`is damaged (${manifest.message})`);
  const { mediaType, size } = manifest.config;
  if (mediaType !== memoryMediaTypes.config) {
    return ignored(`is no memory (its config is ${mediaType})`, false);
  }
  if (size > limits.memory) return ignored(`is too large (its document has ${size} bytes)`);
  const text = await store.getBlob(manifest.config).catch(altered);
  if (text === undefined) return ignored('is damaged (its document is gone or altered)');
  const parsed = parseMemory(text.toString(), storeDir);
  if (parsed.kind === 'newer') {
    return ignored(`has format ${parsed.format}, which needs a newer comfy-nix`, false);
  }
  if (parsed.kind === 'damaged') return ignored(`is damaged (${parsed.reason})`);
  const { memory, leftOut } = parsed;
  if (leftOut === 0) return { memory, writable: true };
  const warning = `${where} contradicts itself in ${leftOut} places; this run makes anew what they tell of.`;
  return { memory, writable: true, warning };
}

/** Wrong bytes are damage; a store that fails is not, and must not cost the memory. */
const isDamage = (error: unknown): error is Failure =>
  error instanceof WrongDocument || error instanceof WrongDigest || error instanceof AnswerTooLong;

function altered(error: unknown): undefined {
  if (!isDamage(error)) throw error;
}

/** The manifest at the reference, through an index if there is one; undefined where there is none. */
async function manifestAt(
  store: ImageStore,
  reference: string,
  architecture: string,
): Promise<Manifest | Failure | undefined> {
  const name = `${store.repository}:${reference}`;
  try {
    const found = await findManifest(store, reference, linuxOn(architecture), name);
    return typeof found === 'string' ? undefined : found.manifest;
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

/** One memory that knows all that both know; what comes first is newer. */
export function mergeMemories(newer: Memory, older: Memory): Memory {
  const seen = new Set<string>();
  let unfinished = 0;
  const images = [...newer.images, ...older.images].filter(image => {
    if (image.digest === undefined && ++unfinished > rememberedFailures) return false;
    const identity = image.digest ?? image.blobs.map(blob => blob.digest).join(' ');
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
  return { images: images.slice(0, rememberedImages) };
}

/** An image with its blobs changed or left out; an output that loses one is known without blobs. */
export function mapBlobs(
  image: RememberedImage,
  change: (blob: KnownBlob) => KnownBlob | undefined,
): RememberedImage {
  const changed = (blobs: readonly KnownBlob[]) => blobs.flatMap(blob => change(blob) ?? []);
  return {
    ...image,
    blobs: changed(image.blobs),
    outputs: image.outputs.map(output => {
      const blobs = changed(output.blobs);
      return { ...output, blobs: blobs.length === output.blobs.length ? blobs : [] };
    }),
  };
}

/** All blobs that a memory knows, each digest once, newest first. */
export function knownBlobs(memory: Memory): KnownBlob[] {
  const blobs = new Map<string, KnownBlob>();
  for (const blob of memory.images.flatMap(image => image.blobs)) {
    if (!blobs.has(blob.digest)) blobs.set(blob.digest, blob);
  }
  return [...blobs.values()];
}

/**
 * Adds what a run has learnt to the memory at `tag`. What another run wrote there meanwhile is kept;
 * nothing is asked or sent when nothing is new. Rejects when the store fails.
 *
 * @param before the memory as it was at the run's start
 */
export async function writeMemory(
  store: ImageStore,
  tag: string,
  learnt: RememberedImage,
  before: Memory,
  context: { storeDir: string; architecture: string },
): Promise<void> {
  if (isKnown(learnt, before)) return;
  const found = await readMemory(store, tag, context.storeDir, context.architecture);
  if (!found.writable) return;
  const memory = mergeMemories({ images: [learnt] }, found.memory);
  try {
    await putMemory(store, tag, memory);
  } catch {
    // a registry refuses a manifest that names a blob which it has lost since
    await putMemory(store, tag, await withoutLostBlobs(store, memory));
  }
}

const isKnown = (learnt: RememberedImage, memory: Memory) =>
  serializeMemory(mergeMemories({ images: [learnt] }, memory)) === serializeMemory(memory);

async function withoutLostBlobs(store: ImageStore, memory: Memory): Promise<Memory> {
  const blobs = knownBlobs(memory);
  const present = await Promise.all(blobs.map(blob => store.hasBlob(blob.digest, blob.size)));
  const lost = new Set(blobs.filter((_, at) => !present[at]).map(blob => blob.digest));
  const keep = (blob: KnownBlob) => (lost.has(blob.digest) ? undefined : blob);
  return { images: memory.images.map(image => mapBlobs(image, keep)) };
}

async function putMemory(store: ImageStore, tag: string, memory: Memory): Promise<void> {
  const config = await store.putBytes(
    Buffer.from(serializeMemory(memory)),
    memoryMediaTypes.config,
  );
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: memoryMediaTypes.artifact,
    config,
    layers: knownBlobs(memory).map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const { digest } = await store.putManifest(bytes, mediaTypes.manifest);
  await store.putTag(tag, { bytes, mediaType: mediaTypes.manifest, digest });
}
