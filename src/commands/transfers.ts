import type { Transfer } from '../host/events.ts';
import type { Host } from '../host/host.ts';
import { atOnce } from '../host/limits.ts';
import { beginSpan } from '../host/span.ts';
import type { stoppable } from '../host/stoppable.ts';
import { turns } from '../host/turns.ts';
import type { BlobSource } from '../image/types.ts';
import type { KnownBlob } from '../registry/remembered.ts';
import type { ImageStore } from '../registry/store.ts';
import { timeBlob } from './blob-time.ts';

/** A blob of the image and how it came to be in its repository. */
export interface LayerBlob extends KnownBlob {
  transfer: Transfer;
}

/** A blob to make: what the memory will know it by, and its bytes. */
interface BlobToMake {
  layer: string;
  /** Which of the layer's blobs, from 0. */
  index: number;
  key: string;
  paths: readonly string[];
  source: BlobSource;
  /** Bytes, about: of those that wait for their turn the largest goes first, so that it ends early. */
  weight: number;
  /** Where the run can be looked up. */
  run?: string;
}

/** Blobs on their way into a store, a few at a time. */
export interface Transfers {
  /** Whether blobs have to be sent in the order of the image's layers. */
  keepsOrder: boolean;
  /** Starts, or queues, a transfer; rejects with its failure. */
  send(blob: BlobToMake): Promise<LayerBlob>;
  /** Resolves when nothing is on its way any more; never rejects. */
  ended(): Promise<void>;
}

/** @param fail called with the first failure, so that the rest of the run can be stopped */
export function startTransfers(
  store: ImageStore,
  host: Host,
  fail: (reason: unknown) => void,
): Transfers {
  const inTurn = turns(atOnce.blobs);
  const keepsOrder = store.keepsOrder === true;
  const all: Promise<unknown>[] = [];
  return {
    keepsOrder,
    send: blob => {
      const weight = keepsOrder ? undefined : blob.weight;
      const told = { kind: 'wait', layer: blob.layer, detail: 'its turn to be sent' } as const;
      const waited = beginSpan(host, told);
      const sent = inTurn(() => {
        waited();
        return transfer(store, blob, host);
      }, weight);
      all.push(sent.catch(fail));
      return sent;
    },
    ended: async () => {
      await Promise.all(all);
    },
  };
}

/**
 * Does work that sends blobs. Where it fails, what else is on its way is stopped by the host's signal; in
 * either case nothing is on its way any more when this ends.
 */
export async function whileSending<Value>(
  store: ImageStore,
  { host, stop }: ReturnType<typeof stoppable>,
  work: (transfers: Transfers) => Promise<Value>,
): Promise<Value> {
  const transfers = startTransfers(store, host, stop);
  try {
    return await work(transfers);
  } catch (error) {
    stop(error);
    throw error;
  } finally {
    await transfers.ended();
  }
}

async function transfer(store: ImageStore, blob: BlobToMake, host: Host): Promise<LayerBlob> {
  const { layer, index, key, paths, run } = blob;
  const { mediaType, uncompressedSize } = blob.source;
  const of = { layer, blob: index };
  host.signal?.throwIfAborted();
  host.emit({
    type: 'transfer-start',
    ...of,
    ...(uncompressedSize === undefined ? {} : { uncompressedSize }),
    at: host.clock(),
  });
  const { source, bytesRead, tell } = timeBlob(blob.source, layer, host);
  const sending = store.putBlob(source, {
    signal: host.signal,
    onProgress: sent =>
      host.emit({ type: 'transfer-progress', ...of, read: bytesRead(), sent, at: host.clock() }),
  });
  const result = await sending.catch(error => {
    tell();
    throw error;
  });
  tell(result);
  const { digest, size } = result;
  const transfer: Transfer = 'uploaded';
  const told = { transfer, size, digest, uncompressedSize: result.uncompressedSize };
  host.emit({ type: 'transfer-end', ...of, ...told, at: host.clock() });
  return { ...result, key, paths, mediaType, transfer, ...(run === undefined ? {} : { run }) };
}
