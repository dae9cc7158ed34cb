import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishedBlobs } from '../../../src/commands/build/audit.ts';
import type { MadeLayer } from '../../../src/commands/build/state.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const manifest = { digest, bytes: Buffer.of(), mediaType: '' };

const blob = (...paths: string[]): MadeLayer['blobs'][number] => ({
  digest,
  diffId: digest,
  size: 1,
  uncompressedSize: 2,
  mediaType: '',
  key: '',
  paths,
  transfer: 'uploaded',
});

const made = (layers: Record<string, MadeLayer['blobs']>) =>
  new Map(
    Object.entries(layers).map(([name, blobs]): [string, MadeLayer] => [
      name,
      { name, target: null, origin: 'built', blobs },
    ]),
  );

const layersCalled = (...names: string[]) =>
  names.map(name => ({ name, shipped: true, drvPaths: [], contents: [] }));

test('the blobs of a recipe’s layers are known by their paths, where these are known', () => {
  const layers = made({ base: [blob('a', 'b'), blob('c')], empty: [], root: [blob()] });
  const subject = { layers: layersCalled('base', 'empty'), hasRecipe: true };
  assert.deepEqual(
    publishedBlobs(subject, { made: layers, manifest }),
    new Map([
      [
        'base',
        [
          { paths: ['a', 'b'], size: 2 },
          { paths: ['c'], size: 2 },
        ],
      ],
      ['empty', []],
    ]),
  );
});

test('what was realised and not published has no blobs, which says nothing of its content', () => {
  const subject = { layers: layersCalled('base'), hasRecipe: true };
  assert.deepEqual(publishedBlobs(subject, { made: made({ base: [] }) }), new Map());
});

test('another tool’s image has the name that the audit gives it; one on others has no blobs of its own', () => {
  const streamed = { made: made({ 'stream-comfyui': [blob('a'), blob()] }), manifest };
  const alone = { layers: layersCalled('comfyui'), hasRecipe: false };
  assert.deepEqual([...publishedBlobs(alone, streamed).keys()], ['comfyui']);
  const onOthers = { layers: layersCalled('base', 'comfyui'), hasRecipe: false };
  assert.deepEqual(publishedBlobs(onOthers, streamed), new Map());
});
