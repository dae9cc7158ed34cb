// A registry that is killed and started anew, again and again, while an image is pushed to it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { turns } from '../../../src/host/turns.ts';
import type { BlobSource } from '../../../src/image/types.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';
import { runProgram } from '../../tools/programs.ts';
import { startRegistry, type TestRegistry } from '../../tools/registry.ts';
import { pushImage } from '../../tools/test-image.ts';

const contents = Array.from({ length: 12 }, (_, at) => noise(1_500_000 + at * 1000, at + 1));
const total = contents.reduce((sum, { length }) => sum + length, 0);

/** Eight places in so many bytes, not quite at their end; the same for the same seed. */
function placesIn(bytes: number, seed: number): number[] {
  const drawn = noise(8 * 4, seed);
  const places = Array.from({ length: 8 }, (_, at) => drawn.readUInt32LE(at * 4) / 2 ** 32);
  return places.map(place => place * bytes * 0.9).sort((one, other) => one - other);
}

/** A registry, and a store in it whose waits are a tenth of what they are else. */
async function startWith(t: TestContext) {
  const registry = await startRegistry();
  t.after(registry.stop);
  const host = quietHost();
  const sleep = async (ms: number, signal?: AbortSignal) =>
    wait(ms / 10, undefined, signal ? { signal } : {});
  const store = remoteStore(parseReference(`${registry.address}/o/killed`), {
    ...{ host, credentials: {}, retries: { sleep } },
  });
  t.after(store.close);
  return { registry, store, host };
}

/** Restarts of a registry, one after the other, and how many layers were under way at them. */
function restartsOf({ restart }: TestRegistry, underWay: () => number) {
  const told = { times: 0, interrupted: 0, isAway: false, back: Promise.resolve() };
  const kill = () => {
    if (told.isAway) return false;
    told.times += 1;
    told.interrupted += underWay();
    told.isAway = true;
    told.back = restart().then(() => {
      told.isAway = false;
    });
    return true;
  };
  return { told, kill };
}

/** The same store, whose registry is killed at these places of the layers, at the manifest and at the last tag. */
function killing(store: ImageStore, registry: TestRegistry, places: number[]) {
  const sent = new Map<BlobSource, number>();
  const done = new Set<BlobSource>();
  const { told, kill } = restartsOf(registry, () => sent.size - done.size);
  const inTurn = turns(3);
  const putBlob = async (source: BlobSource) => {
    const onProgress = (bytes: number) => {
      sent.set(source, Math.max(sent.get(source) ?? 0, bytes));
      const all = [...sent.values()].reduce((sum, each) => sum + each, 0);
      if (all >= (places[0] ?? Number.POSITIVE_INFINITY) && kill()) places.shift();
    };
    sent.set(source, 0);
    const result = await store.putBlob(source, { onProgress });
    done.add(source);
    return result;
  };
  const killed: ImageStore = {
    ...store,
    putBlob: source => inTurn(() => putBlob(source)),
    putManifest: async (...manifest) => {
      await told.back;
      kill();
      return store.putManifest(...manifest);
    },
    putTag: async (...tag) => {
      await told.back;
      if (tag[0] === 'latest') kill();
      return store.putTag(...tag);
    },
  };
  return { killed, told };
}

test('a registry that is killed at ten points of a push is waited for: what it has is not sent again', async t => {
  const { registry, store, host } = await startWith(t);
  const { killed, told } = killing(store, registry, placesIn(total, 7));
  const sources = contents.map(bytes => layerOf(bytes));
  const digest = await pushImage(killed, sources, ['t', 'latest']);
  await told.back;
  assert.equal(told.times, 10);
  const again = sources.reduce((sum, { opened }) => sum + opened - 1, 0);
  assert.ok(again >= 1 && again <= told.interrupted, `${again} again, of ${told.interrupted}`);
  assert.deepEqual(host.warnings, []);
  const image = `docker://${registry.address}/o/killed:latest`;
  const seen = JSON.parse(await runProgram('skopeo', ['inspect', '--tls-verify=false', image]));
  assert.equal(seen.Digest, digest);
  assert.deepEqual(seen.Layers, contents.map(sha256));
  for (const bytes of contents) {
    const blob = { mediaType: '', digest: sha256(bytes), size: bytes.length };
    assert.deepEqual(await store.getBlob(blob), bytes);
  }
});
