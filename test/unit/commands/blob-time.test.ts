import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeBlob } from '../../../src/commands/blob-time.ts';
import { packedBlobSource } from '../../../src/image/blob-sources.ts';
import { framePool } from '../../../src/image/frames.ts';
import type { BlobSource } from '../../../src/image/types.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';

const stages = {
  pack: { from: 0, to: 60, busy: 17 },
  compress: { from: 15, to: 18, busy: 3 },
  upload: { from: 18, to: 61, busy: 41 },
};
const plain = layerOf(noise(1000, 1));
const staged: BlobSource = { ...plain, open: () => ({ ...plain.open(), stages: () => stages }) };
const result = { digest: 'sha256:1', diffId: 'sha256:2', size: 300, uncompressedSize: 1000 };

/** What is told of a blob that is begun at 1000, opened at 1100, and ends at 1500. */
function told(source: BlobSource, outcome: typeof result | 'failed' | 'cancelled') {
  let now = 1000;
  const interrupt = new AbortController();
  const host = quietHost({ clock: () => now, signal: interrupt.signal });
  const timed = timeBlob(source, 'app', host);
  now = 1100;
  timed.source.open();
  now = 1500;
  if (outcome === 'cancelled') interrupt.abort();
  timed.tell(typeof outcome === 'string' ? undefined : outcome);
  return host.events.map(event => ({ ...event, type: undefined }));
}

test('packing and compressing are told as they were, the upload with the answer', () => {
  const of = { type: undefined, layer: 'app', detail: 'sha256:1' };
  assert.deepEqual(told(staged, result), [
    { ...of, kind: 'pack', bytes: 1000, startedAt: 1100, busy: 17, at: 1160 },
    { ...of, kind: 'compress', startedAt: 1115, busy: 3, at: 1118 },
    { ...of, kind: 'upload', bytes: 300, startedAt: 1118, busy: 41 + 339, at: 1500 },
  ]);
});

test('of bytes that nobody packs here there is the upload alone', () => {
  assert.deepEqual(
    told(plain, result).map(event => ({ ...event, bytes: undefined })),
    [
      {
        ...{ type: undefined, layer: 'app', detail: 'sha256:1', kind: 'upload' },
        ...{ bytes: undefined, startedAt: 1000, at: 1500 },
      },
    ],
  );
});

for (const ended of ['failed', 'cancelled'] as const) {
  test(`an upload that was ${ended} says so`, () => {
    const upload = told(staged, ended).at(-1) as { kind?: string; ended?: string };
    assert.deepEqual([upload.kind, upload.ended], ['upload', ended]);
  });
}

test('a blob that is packed here tells of its stages', async () => {
  const open = () => {
    let left = 9_000_000;
    return {
      fill: (frame: Buffer) => {
        const count = Math.min(left, frame.length);
        frame.fill(7, 0, count);
        left -= count;
        return count;
      },
      close: () => undefined,
    };
  };
  const stream = packedBlobSource(open, { compression: 'zstd', pool: framePool(1) }).open();
  for await (const _ of stream);
  const { pack, compress, upload } = stream.stages?.() ?? assert.fail();
  for (const { from, to, busy } of [pack, compress, upload]) {
    assert.ok(from >= 0 && to >= from && busy >= 0 && busy <= to - from + 0.001);
  }
  assert.ok(pack.from <= compress.from && compress.from <= upload.from);
});
