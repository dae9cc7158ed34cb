import assert from 'node:assert/strict';
import { lstatSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { type BytePart, bytesOfParts } from '../../../src/image/byte-parts.ts';
import { allBytes, temporaryFolder } from './fixtures.ts';

type FilePart = Exclude<BytePart, Buffer>;

const openFiles = () => readdirSync('/proc/self/fd').length;

/** A file as it was listed. */
function listed(path: string, content: string | Buffer): FilePart {
  writeFileSync(path, content);
  const { size, mtimeMs } = lstatSync(path);
  return { path, size, mtimeMs };
}

test('parts come one after the other, in buffers of any size', async t => {
  const folder = temporaryFolder(t);
  const file = listed(`${folder}/a`, 'from a file ');
  const empty = listed(`${folder}/empty`, '');
  const parts: BytePart[] = [
    Buffer.from('a buffer '),
    file,
    Buffer.alloc(0),
    empty,
    Buffer.from('end'),
  ];
  for (const size of [1, 2, 9, 10, 24, 25, 1000]) {
    assert.equal(
      (await allBytes(bytesOfParts(parts), size)).toString(),
      'a buffer from a file end',
    );
  }
  assert.equal((await allBytes(bytesOfParts([]), 5)).length, 0);
});

test('no part is begun before it is wanted', () => {
  const begun: string[] = [];
  const parts = (function* () {
    for (const text of ['one', 'two', 'three']) {
      begun.push(text);
      yield Buffer.from(text);
    }
  })();
  const source = bytesOfParts(parts);
  assert.equal(source.fill(Buffer.alloc(3)), 3);
  assert.deepEqual(begun, ['one']);
  assert.equal(source.fill(Buffer.alloc(4)), 4);
  assert.deepEqual(begun, ['one', 'two', 'three']);
});

test('what is given up is closed, the list of parts as well, however often', async t => {
  const file = listed(`${temporaryFolder(t)}/a`, 'x'.repeat(100));
  let ended = 0;
  const parts = (function* () {
    try {
      yield file;
      yield file;
    } finally {
      ended += 1;
    }
  })();
  const before = openFiles();
  const source = bytesOfParts(parts);
  await source.fill(Buffer.alloc(10));
  assert.equal(openFiles(), before + 1);
  await source.close();
  await source.close();
  assert.deepEqual([openFiles(), ended], [before, 1]);
});

test('no file stays open that was read to its end', async t => {
  const file = listed(`${temporaryFolder(t)}/a`, 'x'.repeat(100));
  const before = openFiles();
  const source = bytesOfParts([file, file, Buffer.from('y')]);
  assert.equal(source.fill(Buffer.alloc(201)), 201);
  assert.equal(openFiles(), before);
  await source.close();
});

test('a file that is not what it was is named', async t => {
  const folder = temporaryFolder(t);
  const changes: Record<string, (file: FilePart) => FilePart> = {
    shorter: file => {
      truncateSync(file.path, 50);
      return { ...file, mtimeMs: lstatSync(file.path).mtimeMs };
    },
    longer: file => {
      writeFileSync(file.path, 'x'.repeat(101));
      return { ...file, mtimeMs: lstatSync(file.path).mtimeMs };
    },
    'of another time': file => ({ ...file, mtimeMs: file.mtimeMs - 1 }),
  };
  for (const [what, change] of Object.entries(changes)) {
    const source = bytesOfParts([change(listed(`${folder}/${what}`, 'x'.repeat(100)))]);
    assert.throws(
      () => source.fill(Buffer.alloc(1000)),
      (error: unknown) =>
        error instanceof Failure && error.message.startsWith(`${folder}/${what} changed while`),
      what,
    );
    await source.close();
  }
});

test('a file that is gone, or a link by now, is named', t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/secret`, 'secret');
  symlinkSync('secret', `${folder}/link`);
  for (const name of ['gone', 'link']) {
    const source = bytesOfParts([{ path: `${folder}/${name}`, size: 6, mtimeMs: 0 }]);
    assert.throws(
      () => source.fill(Buffer.alloc(10)),
      (error: unknown) => error instanceof Failure && error.message.includes(`${folder}/${name}`),
    );
  }
});
