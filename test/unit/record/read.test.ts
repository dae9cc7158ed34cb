import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRecord } from '../../../src/record/read.ts';
import { sampleRecord } from './sample.ts';

test('a record is read again as it was written', () => {
  const record = sampleRecord();
  assert.deepEqual(readRecord(JSON.parse(JSON.stringify(record))), record);
});

test('a record of format 1 is read as far as it goes', () => {
  const { node: _, spans: _1, readBytes: _2, packedBytes: _3, usage: _4, ...old } = sampleRecord();
  const { downloadBytes: _5, ...first } = old;
  const layers = old.layers.map(layer => {
    const { readBytes: _6, packedBytes: _7, sentBytes: _8, makingSeconds: _9, ...left } = layer;
    return left;
  });
  const { movedTags: _10, ...image } = old.image ?? assert.fail();
  const read = readRecord({ ...first, version: 1, layers, image });
  assert.equal(read?.version, 2);
  assert.deepEqual(read?.spans, []);
  assert.deepEqual(
    read?.layers.map(({ name, makingSeconds, sentBytes }) => [name, makingSeconds, sentBytes]),
    [
      ['layer0-base', undefined, 0],
      ['layer2-wheels', undefined, 0],
      ['layer3-pytorch', 74, 2_002_000_000],
    ],
  );
});

test('what is no record is none', () => {
  const { layers: _, ...without } = sampleRecord();
  for (const value of [undefined, null, [], 'x', {}, { version: 1 }, { version: 3 }, without]) {
    assert.equal(readRecord(value), undefined);
  }
  const wrong = { ...sampleRecord(), version: 1, layers: [{ origin: 'x' }] };
  assert.equal(readRecord(wrong), undefined);
});

test('no amount and no time is taken of which no text can be made', () => {
  const text = JSON.stringify(sampleRecord());
  for (const odd of ['1e999', '1e300', '1e16', '-1']) {
    for (const field of ['"seconds":', '"start":', '"size":', '"growth":']) {
      const record = readRecord(
        JSON.parse(text.replaceAll(new RegExp(`${field}[^,}]+`, 'g'), field + odd)),
      );
      assert.equal(record, undefined, `${field}${odd}`);
    }
  }
});

test('no more layers and spans are taken than can be laid side by side', () => {
  const [layer, span] = [sampleRecord().layers[0], sampleRecord().spans[0]];
  for (const [name, each] of Object.entries({ layers: layer, spans: span })) {
    const of = (length: number) => ({ ...sampleRecord(), [name]: new Array(length).fill(each) });
    assert.ok(readRecord(of(10_000)));
    assert.equal(readRecord(of(10_001)), undefined);
  }
});
