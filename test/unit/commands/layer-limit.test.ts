import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayerWork } from '../../../src/commands/build/layer-work.ts';
import { decideTargetLayers } from '../../../src/commands/build/layers.ts';
import { startLessons } from '../../../src/commands/build/lessons.ts';
import type { MadeLayer } from '../../../src/commands/build/state.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { LayerTarget, Recipe } from '../../../src/nix/types.ts';
import type { Evidence } from '../../../src/registry/evidence.ts';
import type { KnownBlob, RememberedImage } from '../../../src/registry/remembered.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { quietHost } from '../../tools/host.ts';
import { rememberedOutput } from '../../tools/remembered.ts';

const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;

/** A layer that was carried by so many blobs, a store path in each; what is remembered of it. */
function remembered(name: string, count: number) {
  const outPath = storePath(name);
  const paths = [outPath, ...Array.from({ length: count - 1 }, (_, at) => `${outPath}-${at}`)];
  const blobs = paths.map((path): KnownBlob => {
    const digest = `sha256:${path}`;
    const sizes = { size: 1, uncompressedSize: 1 };
    return {
      key: path,
      digest,
      diffId: digest,
      ...sizes,
      mediaType: mediaTypes.layer.zstd,
      paths: [path],
    };
  });
  const target: LayerTarget = { drvPath: '', outputName: 'out', outPath, name, image: true };
  return { target, output: rememberedOutput(outPath, paths, blobs) };
}

/** Which layers are reused where they were carried by so many blobs; the next one has to be made. */
async function reused(...counts: number[]): Promise<string[]> {
  const layers = counts.map((count, at) => remembered(`layer${at}`, count));
  const outputs = layers.map(({ output }) => output);
  const image: RememberedImage = {
    outputs,
    blobs: outputs.flatMap(({ blobs }) => blobs),
    roots: [],
  };
  const done: string[] = [];
  const mustBeMade = new Error('it has to be made');
  const work = {
    host: quietHost(),
    recipe: { layers: layers.map(({ target }) => target), root: [] } as unknown as Recipe,
    knowledge: arrangeKnowledge(
      [{ memory: { images: [image] }, evidence: {} as Evidence }],
      mediaTypes.layer.zstd,
    ),
    presence: async () => 'present',
    lessons: startLessons({ rowOf: () => undefined, origin: () => ({}) }),
    realisation: { have: () => Promise.reject(mustBeMade) },
    finished: ({ name, origin }: MadeLayer) => void done.push(`${name} ${origin}`),
  } as unknown as LayerWork;
  const held = new Set<string>();
  const decided = await decideTargetLayers(work, held).catch((error: unknown) => {
    assert.equal(error, mustBeMade);
    return undefined;
  });
  const made = await decided?.made;
  assert.equal(
    held.size,
    done.length === 0 ? 0 : counts.slice(0, done.length).reduce((a, b) => a + b),
  );
  if (made)
    assert.deepEqual(
      made.map(({ blobs }) => blobs.length),
      counts,
    );
  return done.map(line => line.replace(' reused', ''));
}

test('blobs are reused up to the 125 of an image, those of links and references among them', async () => {
  assert.deepEqual(await reused(123), ['layer0']);
  assert.deepEqual(await reused(124), []);
  assert.deepEqual(await reused(60, 63), ['layer0', 'layer1']);
  assert.deepEqual(await reused(60, 64), ['layer0']);
});

test('each layer that follows has room for a blob at least', async () => {
  assert.deepEqual(await reused(121, 1, 1), ['layer0', 'layer1', 'layer2']);
  assert.deepEqual(await reused(122, 1, 1), []);
});
