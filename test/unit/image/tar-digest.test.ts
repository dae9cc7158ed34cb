import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digestElsewhere, digestHere } from '../../../src/image/tar-digest.ts';

const shared = (text: string) => {
  const bytes = Buffer.from(new SharedArrayBuffer(text.length));
  bytes.write(text);
  return bytes;
};
const expected = (...texts: string[]) =>
  `sha256:${createHash('sha256').update(texts.join('')).digest('hex')}`;

test('digests of several layers at once are those of one thread', async () => {
  const texts = ['one ', 'two ', 'three '].map(text => text.repeat(100_000));
  const layers = [texts, [...texts].reverse(), texts.slice(1)];
  const digests = await Promise.all(
    layers.map(async layer => {
      const here = digestHere();
      const elsewhere = digestElsewhere();
      await Promise.all(layer.map(text => elsewhere.update(shared(text))));
      for (const text of layer) await here.update(shared(text));
      const digest = await here.digest();
      assert.equal(await elsewhere.digest(), digest);
      return digest;
    }),
  );
  assert.deepEqual(
    digests,
    layers.map(layer => expected(...layer)),
  );
});

test('nothing at all has a digest too', async () => {
  assert.equal(await digestElsewhere().digest(), expected(''));
});

test('bytes are read before the update resolves, so that their buffer is free for others', async () => {
  const running = digestElsewhere();
  const bytes = shared('first ');
  await running.update(bytes);
  bytes.write('other ');
  await running.update(bytes);
  assert.equal(await running.digest(), expected('first other '));
});
