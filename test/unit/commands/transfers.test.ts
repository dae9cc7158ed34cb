import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTransfers } from '../../../src/commands/transfers.ts';
import { archiveStore } from '../../../src/registry/archive.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';

/** Weights of layers in the order in which a store is given them, when all are asked for at once. */
async function orderIn(real: ImageStore): Promise<number[]> {
  const order: number[] = [];
  const store: ImageStore = {
    ...real,
    putBlob: async source => {
      order.push(source.uncompressedSize ?? 0);
      const { digest, size } = { digest: `sha256:${order.length}`, size: 1 };
      return { digest, diffId: digest, size, uncompressedSize: size };
    },
  };
  const transfers = startTransfers(store, quietHost(), reason => assert.fail(String(reason)));
  const sent = [1, 5, 3, 9, 7].map((weight, index) => {
    const source = layerOf(noise(weight, index));
    return transfers.send({ layer: 'layer', index, key: '', paths: [], source, weight });
  });
  await Promise.all(sent);
  return order;
}

test('the largest of the layers that wait goes first', async () => {
  assert.deepEqual(await orderIn(layoutStore('/nowhere', quietHost())), [9, 7, 5, 3, 1]);
});

test('in an archive, whose bytes it decides, layers go in their order', async () => {
  const archive = archiveStore('/nowhere', { host: quietHost(), imageName: () => 'x' });
  assert.deepEqual(await orderIn(archive), [1, 5, 3, 9, 7]);
});
