import type { Host } from '../host/host.ts';
import { endOfFailed } from '../host/span.ts';
import type { Stage } from '../image/stages.ts';
import type { BlobResult, BlobSource, BlobStream } from '../image/types.ts';

/** A blob on its way into a store, whose time is told when it has ended. */
interface TimedBlob {
  /** The same source, watched: to be sent in its place. */
  source: BlobSource;
  /** Bytes of the tar that were read so far. */
  bytesRead(): number;
  /**
   * Tells how long it was packed, compressed and sent, as it was read last; the registry's answer is part of
   * the upload. Without a result it has failed.
   */
  tell(result?: BlobResult): void;
}

/** Watches a blob of this layer that is sent now. */
export function timeBlob(source: BlobSource, layer: string, host: Host): TimedBlob {
  const begunAt = host.clock();
  let opened: { stream: BlobStream; at: number } | undefined;
  const tell = (result?: BlobResult) => {
    const at = host.clock();
    const from = opened?.at ?? begunAt;
    const { pack, compress, upload } = opened?.stream.stages?.() ?? {};
    const of = { type: 'span', layer, ...(result ? { detail: result.digest } : {}) } as const;
    const bytes = result ? { bytes: result.uncompressedSize } : {};
    if (pack) host.emit({ ...of, ...bytes, kind: 'pack', ...placed(pack, from) });
    if (compress) host.emit({ ...of, kind: 'compress', ...placed(compress, from) });
    const ended = result ? { bytes: result.size } : { ended: endOfFailed(host) };
    const sent = upload
      ? { startedAt: from + upload.from, busy: upload.busy + Math.max(0, at - from - upload.to) }
      : { startedAt: begunAt };
    host.emit({ ...of, ...ended, kind: 'upload', ...sent, at });
  };
  const open: BlobSource['open'] = signal => {
    const stream = source.open(signal);
    opened = { stream, at: host.clock() };
    return stream;
  };
  return {
    source: { ...source, open },
    bytesRead: () => opened?.stream.bytesRead() ?? 0,
    tell,
  };
}

const placed = ({ from, to, busy }: Stage, opened: number) => ({
  startedAt: opened + from,
  busy,
  at: opened + to,
});
