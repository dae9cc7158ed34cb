import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { digestElsewhere, digestHere } from '../../../src/image/tar-digest.ts';
import { temporaryFolder } from './fixtures.ts';

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

test('one thread hashes for all layers', async () => {
  let threads = 0;
  const count = () => {
    threads += 1;
  };
  process.on('worker', count);
  const layers = Array.from({ length: 5 }, () => digestElsewhere());
  await Promise.all(layers.map(layer => layer.update(shared('x'))));
  assert.deepEqual(
    await Promise.all(layers.map(layer => layer.digest())),
    Array(5).fill(expected('x')),
  );
  process.off('worker', count);
  assert.ok(threads <= 1, 'it may have been started before');
});

test('a thread that nobody asks keeps no process alive', async t => {
  const module = new URL('../../../src/image/tar-digest.ts', import.meta.url);
  const script = `${temporaryFolder(t)}/script.mjs`;
  writeFileSync(
    script,
    `const { digestElsewhere } = await import('${module}');
    const layer = digestElsewhere();
    await layer.update(Buffer.from('x'));
    console.log(await layer.digest());`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  assert.equal(stdout, `${expected('x')}\n`);
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
