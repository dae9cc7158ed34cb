import { limits } from '../../host/limits.ts';
import type { Descriptor, Manifest } from '../../image/types.ts';
import type { ImageStore } from '../store.ts';
import { recordType, unpacked } from './artifact.ts';

/** A record of a run that is being read. */
export interface ReadRecord {
  digest: string;
  /** Undefined where it cannot be had; never rejects. */
  text: Promise<string | undefined>;
}

/**
 * Begins to read the newest record that a memory's manifest names, beside the document: it costs no round
 * trip more. Undefined where there is none, and where records cannot be told from layers.
 */
export function beginNewestRecord(
  store: Pick<ImageStore, 'getBlob'>,
  { layers }: Pick<Manifest, 'layers'>,
): ReadRecord | undefined {
  const newest = layers.find(({ mediaType }) => mediaType === recordType);
  return newest && beginRecord(store, newest);
}

/** Begins to read a record. */
export function beginRecord(store: Pick<ImageStore, 'getBlob'>, blob: Descriptor): ReadRecord {
  return { digest: blob.digest, text: recordAt(store, blob).catch(() => undefined) };
}

async function recordAt(store: Pick<ImageStore, 'getBlob'>, blob: Descriptor) {
  if (blob.size > limits.recordPacked) return undefined;
  const bytes = await store.getBlob(blob);
  return bytes && (await unpacked(bytes, limits.document))?.toString();
}
