import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageOutputs } from '../../../src/commands/build/image-outputs.ts';
import { imageOf } from '../../../src/commands/push.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const config = Buffer.from('{}');
const { manifest } = imageOf(config, [], { revision: '1' });

test('the metadata is what docker/build-push-action gives', () => {
  const { metadata, imageid, size } = imageOutputs(sampleRecord(), manifest);
  assert.deepEqual(metadata, {
    'containerimage.config.digest': digestOf(config),
    'containerimage.descriptor': {
      mediaType: mediaTypes.manifest,
      digest: digestOf(manifest.bytes),
      size: manifest.bytes.length,
    },
    'containerimage.digest': digestOf(manifest.bytes),
    'image.name': 'ghcr.io/o/comfyui:cu130,ghcr.io/o/comfyui:latest',
  });
  assert.equal(imageid, digestOf(config));
  assert.equal(size, 2_003_500_000);
});

test('of an image that was not pushed nothing is told that is not known', () => {
  assert.deepEqual(imageOutputs(sampleRecord(), undefined), { reused: false });
});

test('an image is reused where each of its layers is, and the run has one', () => {
  const [reused, skipped] = [
    sampleLayer({ name: 'a' }),
    sampleLayer({ name: 'b', origin: 'skipped' }),
  ];
  const isReused = (changes: Parameters<typeof sampleRecord>[0]) =>
    imageOutputs(sampleRecord(changes), manifest).reused;
  assert.equal(isReused({ layers: [reused] }), true);
  assert.equal(isReused({ layers: [reused, skipped] }), true);
  assert.equal(isReused({ layers: [reused, sampleLayer({ name: 'c', origin: 'local' })] }), false);
  assert.equal(isReused({ layers: [skipped] }), false);
  assert.equal(isReused({ layers: [] }), false);
  assert.equal(isReused({ layers: [reused], outcome: 'failure' }), false);
});
