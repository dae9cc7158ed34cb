import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildRecord } from '../../../src/record/types.ts';
import { runSentence, runTitle, wouldPushSentence } from '../../../src/report/sentence.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

type Layers = BuildRecord['layers'];
const reused = (count: number): Layers =>
  Array.from({ length: count }, (_, at) => sampleLayer({ name: `layer${at}` }));
const built = (name: string, seconds: number) =>
  sampleLayer({ name, origin: 'built', seconds, makingSeconds: seconds });

const image = (changes: object): Partial<BuildRecord> => {
  const { image: whole } = sampleRecord();
  assert.ok(whole);
  return { image: { ...whole, ...changes } };
};

test('the sentence says what was reused, made, sent and moved, and what that has saved', () => {
  const record = sampleRecord({
    layers: [...reused(6), built('layer6-app', 41), sampleLayer({ name: 'x', origin: 'local' })],
    ...image({ size: 9_800_000_000, movedTags: ['a', 'b', 'c'] }),
    sentBytes: 12_000_000,
    savedSeconds: 548,
  });
  assert.equal(
    runSentence(record),
    '6 of 8 layers reused, layer6-app built in 41 s, x found in the store, 12.0 MB of 9.80 GB sent, ' +
      '3 tags moved; 9 min less than making all of it.',
  );
});

test('what is skipped is no part of the image, and what is not known is left out', () => {
  const layers = [...reused(2), sampleLayer({ name: 'downloads', origin: 'skipped' })];
  const record = sampleRecord({ layers, sentBytes: 0, ...image({ movedTags: [] }) });
  assert.equal(runSentence(record), 'All 2 layers reused, nothing sent, tags as before.');
});

test('many layers are told by their number and the longest', () => {
  const layers = [built('a', 3), built('b', 722), built('c', 40)];
  assert.match(
    runSentence(sampleRecord({ layers })),
    /^3 layers built, the longest b in 12 min 02 s,/,
  );
  const names = [built('layer1', 3), built('layer2', 4)];
  // a name keeps its letters
  assert.match(
    runSentence(sampleRecord({ layers: names })),
    /^layer1 built in 3 s, layer2 built in 4 s,/,
  );
});

const withoutImage = (changes: Partial<BuildRecord>): BuildRecord => {
  const { digest: _, ...unfinished } = sampleRecord().image ?? assert.fail();
  return sampleRecord({ image: { ...unfinished, tags: [], movedTags: [] }, ...changes });
};

const failed = sampleLayer({
  name: 'layer3-pytorch',
  origin: 'failed',
  builtDerivations: [
    {
      ...{ derivation: `/nix/store/${'c'.repeat(32)}-torch-2.9.0.drv`, machine: '', seconds: 61 },
      ended: 'failed',
    },
  ],
});

test('a failure names the layer and what broke in it; nothing is said to be reused that failed', () => {
  const cancelled = sampleLayer({ name: 'layer4', origin: 'cancelled' });
  const record = withoutImage({
    ...{ outcome: 'failure', layers: [...reused(1), failed, cancelled], sentBytes: 0 },
    savedSeconds: 999,
  });
  assert.equal(runTitle(record), '.#comfyui failed after 1 min 15 s: layer3-pytorch');
  assert.equal(
    runSentence(record),
    '1 of 3 layers reused, layer3-pytorch failed at torch-2.9.0, layer4 not finished, nothing sent, ' +
      'no tag moved.',
  );
});

test('what broke is not said twice where the layer is called like it', () => {
  const [broken] = failed.builtDerivations;
  assert.ok(broken);
  const derivation = broken.derivation.replace('torch-2.9.0', failed.name);
  const layers = [{ ...failed, builtDerivations: [{ ...broken, derivation }] }];
  assert.match(runSentence(withoutImage({ layers })), /^layer3-pytorch failed, /);
});

test('a run that was cancelled has not failed', () => {
  const record = withoutImage({ outcome: 'cancelled', layers: [failed] });
  assert.equal(runTitle(record), '.#comfyui was cancelled after 1 min 15 s');
});

test('a run that ended before there was an image says that nothing was done', () => {
  const { image: _, ...record } = sampleRecord({ layers: [], sentBytes: 0, outcome: 'failure' });
  assert.equal(runSentence(record), 'Nothing was done.');
});

test('a pull request is told what a push would do, and not that nothing was sent', () => {
  const wouldPush = {
    layers: [{ name: 'layer6-app', narSize: 12_000_000 }],
    narSize: 12_000_000,
    tags: ['cu130', 'latest'],
  };
  const record = withoutImage({ layers: [built('layer6-app', 41)], wouldPush });
  assert.equal(runSentence(record), 'layer6-app built in 41 s.');
  assert.equal(
    wouldPushSentence(record),
    'A push would send 1 layer (12.0 MB unpacked): layer6-app, and move the tags cu130 and latest.',
  );
  assert.equal(wouldPushSentence(sampleRecord()), undefined);
  assert.equal(
    wouldPushSentence({ ...record, wouldPush: { layers: [], tags: [] } }),
    'A push would send no layer.',
  );
});
