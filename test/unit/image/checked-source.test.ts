import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { packedBlobSource } from '../../../src/image/blob-sources.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { bytesOf, framePool, frameSize } from '../../../src/image/frames.ts';
import { checkedSource } from '../../../src/image/sources/source-image.ts';
import { fixedBytes } from '../golden/fixed.ts';
import { streamOf } from './fixtures.ts';

// no compressor helps: pieces are as large as frames, and lent
const content = fixedBytes('incompressible', 2 * frameSize + 100);

for (const compression of ['none', 'gzip', 'zstd'] as const) {
  test(`a checked blob (${compression}) gives each piece before it asks for the next one`, async () => {
    const packing = { compression, pool: framePool(2) };
    const open = () => bytesOf(streamOf(content));
    const packed = packedBlobSource(open, packing, { diffId: digestOf(content) });
    const stream = checkedSource(packed, 'the layer').open();
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of stream) {
      hash.update(piece);
      size += piece.length;
    }
    const { digest, size: stated } = stream.result();
    assert.deepEqual({ digest: `sha256:${hash.digest('hex')}`, size }, { digest, size: stated });
  });
}
