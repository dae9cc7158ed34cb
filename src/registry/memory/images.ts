import { Failure } from '../../host/failure.ts';
import { type JsonObject, openJsonObject } from '../../host/json-parts.ts';
import { jsonExcess } from '../../host/json-size.ts';
import { limits } from '../../host/limits.ts';
import type { BlobResult } from '../../image/types.ts';
import type { ImageOrigin } from '../remembered.ts';
import { type MemoryDocument, memoryFormat, readImageTables } from './document.ts';
import { splitOrigin } from './parse.ts';

/** A blob as it lies in the registry. */
export type ListedBlob = BlobResult & { mediaType: string };

/** An image as a memory lists it, without what its layers hold. */
export interface ListedImage {
  /** Of the manifest. */
  digest: string;
  config: { digest: string; size: number };
  /** In no order; each of them was said to be of the image. */
  blobs: readonly ListedBlob[];
  /** What else than its output the bytes of an image depend on that another tool made. */
  madeAs?: string;
  origin: ImageOrigin;
}

/**
 * The images that a memory's document lists, newest first, where all that is asked for here is said of them.
 * Store paths are not looked at: that takes a tenth of the time. None where it is no document. Never throws.
 */
export function listImages(document: Buffer): ListedImage[] {
  const most = { size: limits.memory, values: limits.memoryValues };
  if (jsonExcess(document, most) !== undefined) return [];
  try {
    const json = openJsonObject(document);
    return json.value('format') === memoryFormat ? listed(json) : [];
  } catch (error) {
    if (error instanceof Failure || error instanceof SyntaxError) return [];
    throw error;
  }
}

function listed(json: JsonObject): ListedImage[] {
  const { images, blobs } = readImageTables(json);
  return images.flatMap(row => (row && listedImage(row, blobs)) ?? []);
}

function listedImage(
  row: NonNullable<MemoryDocument['images'][number]>,
  table: MemoryDocument['blobs'],
): ListedImage | undefined {
  const { digest, config, target, outputs: _, blobs: places, roots: __, ...rest } = row;
  const blobs = places.flatMap(at => table[at] ?? []);
  if (digest === undefined || config === undefined || blobs.length < places.length)
    return undefined;
  return {
    ...{ digest, config, blobs },
    ...(target ? { madeAs: target.variant } : {}),
    origin: splitOrigin(rest).origin,
  };
}
