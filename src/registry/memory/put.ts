import { Failure } from '../../host/failure.ts';
import { limits } from '../../host/limits.ts';
import { type Descriptor, mediaTypes } from '../../image/types.ts';
import { Refusal } from '../refusal.ts';
import type { KnownBlob, Memory } from '../remembered.ts';
import type { ImageStore, StoredManifest } from '../store.ts';
import {
  documentsBeside,
  type MemoryParts,
  memoryConfig,
  memoryManifest,
  packedDocument,
  type Shape,
} from './artifact.ts';
import { knownBlobs, mapBlobs } from './merge.ts';
import { serializeMemory } from './serialize.ts';

/** How a memory is put. */
export interface Putting {
  store: ImageStore;
  /** OCI's name. */
  architecture: string;
  /** Those that the registry has not refused; one that it refuses is taken out. */
  shapes: Shape[];
}

/** A memory as it was put, by its digest: no tag points to it yet. */
export interface PutMemory {
  /** Without what was too much, or lost. */
  memory: Memory;
  manifest: StoredManifest;
}

/**
 * Puts a memory in a shape that the registry takes. Rejects with its refusal where there is none.
 * @param besides what it names and is still being sent
 */
export async function putMemory(
  memory: Memory,
  putting: Putting,
  besides: Promise<void>,
): Promise<PutMemory> {
  const shapes = [...putting.shapes];
  try {
    return await putInSomeShape(memory, putting, besides);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // a registry refuses a manifest that names a blob which it has lost since
    const left = await withoutLostBlobs(putting.store, memory);
    if (left === undefined) throw error;
    putting.shapes.splice(0, Number.POSITIVE_INFINITY, ...shapes);
    return putInSomeShape(left, putting, besides);
  }
}

async function putInSomeShape(
  whole: Memory,
  putting: Putting,
  besides: Promise<void>,
): Promise<PutMemory> {
  const { store, architecture, shapes } = putting;
  const { memory, bytes, document } = await fitting(whole);
  const parts = { document, memory, architecture };
  const sent = Promise.all([store.putBytes(bytes, document.mediaType, { isNew: true }), besides]);
  for (;;) {
    const [shape, ...others] = shapes;
    if (shape === undefined) throw refusedBefore(store);
    const [config] = await Promise.all([putConfig(shape, parts, store), sent]);
    try {
      return { memory, manifest: await putShape(shape, config, parts, store, others.length > 0) };
    } catch (error) {
      if (others.length === 0 || !isOfShape(error)) throw error;
      shapes.shift();
    }
  }
}

const refusedBefore = (store: ImageStore) =>
  new Failure(`${store.repository} has refused the memory before.`);

function putConfig(shape: Shape, parts: MemoryParts, store: ImageStore): Promise<Descriptor> {
  const { bytes, mediaType } = memoryConfig(shape, parts);
  // that of an artifact says nothing but the format
  return store.putBytes(bytes, mediaType, { isNew: shape === 'image' });
}

async function putShape(
  shape: Shape,
  config: Descriptor,
  parts: MemoryParts,
  store: ImageStore,
  mayBeRefused: boolean,
): Promise<StoredManifest> {
  const bytes = memoryManifest(shape, config, parts);
  const { digest } = await store.putManifest(bytes, mediaTypes.manifest, { mayBeRefused });
  return { bytes, mediaType: mediaTypes.manifest, digest };
}

/** Whether a manifest may have been refused for its types: with faults of their own by some registries. */
function isOfShape(error: unknown): boolean {
  if (!(error instanceof Refusal) || [401, 413, 429].includes(error.status)) return false;
  return !error.details.evidence?.some(line => line.includes('BLOB_UNKNOWN'));
}

/** The memory as a document that is not too large: the oldest images go. */
async function fitting(whole: Memory) {
  let memory = whole;
  for (;;) {
    const document = serializeMemory(memory);
    const { bytes, descriptor } = await packedDocument(document);
    const excess = Math.max(document.length / limits.memory, bytes.length / limits.memoryWritten);
    const count = memory.images.length;
    if (excess <= 1 || count <= 1) return { memory, bytes, document: descriptor };
    const left = Math.max(1, Math.min(count - 1, Math.floor(count / excess)));
    memory = { ...memory, images: memory.images.slice(0, left) };
  }
}

/** The memory without what the store has not any more; undefined where nothing is lost. */
async function withoutLostBlobs(store: ImageStore, memory: Memory): Promise<Memory | undefined> {
  const named = [...knownBlobs(memory), ...documentsBeside(memory)];
  const there = await Promise.all(named.map(each => store.hasBlob(each.digest, each.size)));
  const lost = new Set(named.filter((_, at) => !there[at]).map(each => each.digest));
  if (lost.size === 0) return undefined;
  const isKept = ({ digest }: { digest: string }) => !lost.has(digest);
  const keep = (blob: KnownBlob) => (lost.has(blob.digest) ? undefined : blob);
  return {
    ...memory,
    images: memory.images.map(image => mapBlobs(image, keep)),
    records: (memory.records ?? []).filter(isKept),
    ...(memory.derivations ? { derivations: memory.derivations.filter(isKept) } : {}),
  };
}
