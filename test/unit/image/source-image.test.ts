import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { Failure } from '../../../src/host/failure.ts';
import {
  checkedSource,
  checkShape,
  fixedConfig,
  measuredSource,
  parseJson,
  repoTagSchema,
} from '../../../src/image/sources/source-image.ts';
import type { BlobSource } from '../../../src/image/types.ts';
import { layerOf, sha256 } from '../../tools/blobs.ts';
import { collect } from './fixtures.ts';

const bytes = Buffer.from('some bytes of a layer');
const layer = () => layerOf(bytes, 5);
const other = sha256(Buffer.from('other'));

/** What of a blob is given on until it ends, well or badly. */
async function given(source: BlobSource) {
  const seen: Buffer[] = [];
  const error = await (async () => {
    for await (const chunk of source.open()) seen.push(Buffer.from(chunk));
  })().catch((reason: unknown) => reason);
  return { seen: Buffer.concat(seen).toString(), error };
}

test('a blob that is what was stated comes whole', async () => {
  const digest = sha256(bytes);
  for (const stated of [{}, { digest }, { diffId: digest }, { digest, diffId: digest }]) {
    const source = checkedSource({ ...layer(), ...stated }, 'layer 1');
    assert.deepEqual(await given(source), { seen: bytes.toString(), error: undefined });
    const stream = source.open();
    await collect(stream);
    assert.equal(stream.bytesRead(), bytes.length);
    assert.equal(stream.result().digest, digest);
  }
  assert.deepEqual(await given(checkedSource(layerOf(Buffer.alloc(0)), 'empty')), {
    seen: '',
    error: undefined,
  });
});

test('a blob that is not fails in place of its end, and both digests are told', async () => {
  const digest = sha256(bytes);
  for (const stated of [{ digest: other }, { diffId: other }, { digest, diffId: other }]) {
    const { seen, error } = await given(checkedSource({ ...layer(), ...stated }, 'layer 1'));
    assert.equal(seen, bytes.toString());
    assert.ok(error instanceof Failure);
    assert.match(error.message, /^layer 1 does not have the digest/);
    assert.deepEqual(error.details.evidence, [`expected ${other}`, `found    ${digest}`]);
  }
});

test('a size that is not known is found by reading once, a known one by not reading', async () => {
  const known = layer();
  assert.equal(await measuredSource(known), known);
  assert.equal(known.opened, 0);
  const { uncompressedSize: _, ...unknown } = layer();
  const measured = await measuredSource(unknown);
  assert.equal(measured.uncompressedSize, bytes.length);
  assert.equal(measured.diffId, sha256(bytes));
  assert.equal((await given(measured)).seen, bytes.toString());
  const reason = new Error('interrupted');
  await assert.rejects(measuredSource(unknown, AbortSignal.abort(reason)), reason);
});

test('a config that is there goes with its own layers alone', () => {
  const config = Buffer.from('{}');
  const check = fixedConfig(config, [sha256(bytes), other], 'x');
  assert.equal(check([sha256(bytes), other]), config);
  assert.throws(
    () => check([other, other]),
    (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /^Layer 1 of x does not/);
      assert.deepEqual(error.details.evidence, [`expected ${sha256(bytes)}`, `found    ${other}`]);
      return true;
    },
  );
  assert.throws(() => check([sha256(bytes), other, other]), /^Failure: Layer 3 of x/);
});

test('what is wrong in a description is named and not quoted', () => {
  assert.throws(() => parseJson('root:secret', 'x'), /^Failure: x does not .*: it is no JSON\.$/);
  assert.throws(() => parseJson('['.repeat(500), 'x'), /more than 100 levels/);
  assert.deepEqual(parseJson('{"a":1}', 'x'), { a: 1 });
  const schema = v.object({ a: v.object({ b: v.string() }) });
  assert.throws(
    () => checkShape(schema, { a: { b: 1 } }, 'x'),
    /its field a\.b is missing or wrong/,
  );
  assert.throws(() => checkShape(schema, [], 'x'), /its field a is missing or wrong/);
  assert.throws(() => checkShape(schema, null, 'x'), /it is no object/);
});

test('names of images with a tag', () => {
  const isTag = (text: string) => v.is(repoTagSchema, text);
  for (const name of [
    'a:b',
    'o/x:1',
    'ghcr.io/o/x:cu130',
    'h:5000/x:y',
    '[::1]:5000/x:y',
    'A/b:_',
  ]) {
    assert.ok(isTag(name), name);
  }
  for (const name of [
    '',
    'a',
    'a:',
    ':b',
    'a:.b',
    'a b:c',
    'a:b\n',
    '-a:b',
    `a:${'x'.repeat(129)}`,
  ]) {
    assert.ok(!isTag(name), name);
  }
});
