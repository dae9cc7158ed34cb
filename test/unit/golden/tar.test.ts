// The bytes of a layer. A value here changes together with the format version of src/image/keys.ts
// and for no other reason (CONTRIBUTING, "Golden values"); those of compressed layers also with the
// zlib and zstd of the pinned Node, which change the blob and not the diffID.
import assert from 'node:assert/strict';
import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { compressedBlob } from '../../../src/image/compress.ts';
import { framePool, frameSize } from '../../../src/image/frames.ts';
import {
  goDialect,
  nixDialect,
  pythonDialect,
  type TarDialect,
  type TarEntry,
} from '../../../src/image/tar-header.ts';
import { tarBytes } from '../../../src/image/tar-writer.ts';
import { collect, temporaryFolder } from '../image/fixtures.ts';
import { fixedBytes } from './fixed.ts';

const content = Buffer.concat([
  fixedBytes('incompressible', 5 << 20),
  Buffer.alloc(4 << 20, 'the same again '),
]);
const tarSeconds = 1_700_000_000;

/** Names at the borders of ustar's fields, owners at the border of its octal numbers. */
function entries(test: TestContext): TarEntry[] {
  const file = join(temporaryFolder(test), 'content');
  writeFileSync(file, content);
  const path = (length: number) => `${'f'.repeat(90)}/${'n'.repeat(length - 91)}`;
  const deep = (length: number) => `${'d'.repeat(150)}/${'n'.repeat(length - 151)}`;
  const one = { type: 'file', mode: 0o644, size: 0 } as const;
  return [
    { type: 'directory', path: 'nix/store', mode: 0o1777, size: 0 },
    ...[99, 100, 101].map(length => ({ ...one, path: path(length) })),
    ...[250, 251, 252, 255, 256].map(length => ({ ...one, path: deep(length) })),
    { ...one, path: 'uid', uid: 2 ** 21 - 1, gid: 2 ** 21 - 1 },
    { ...one, path: 'large-uid', uid: 2 ** 21, gid: 2 ** 21 },
    { ...one, path: 'owned', uname: 'user', gname: 'users', mtime: tarSeconds },
    { ...one, path: Buffer.from('größe').toString('latin1') },
    { type: 'symlink', path: 'link', mode: 0o777, size: 0, target: 't'.repeat(100) },
    { type: 'symlink', path: 'long-link', mode: 0o777, size: 0, target: 't'.repeat(101) },
    {
      ...one,
      mode: 0o755,
      path: 'content',
      size: content.length,
      source: { path: file, mtimeMs: lstatSync(file).mtimeMs },
    },
  ];
}

async function blobOf(
  test: TestContext,
  compression: 'none' | 'gzip' | 'zstd',
  dialect: TarDialect,
) {
  const all = entries(test);
  const pool = framePool(2);
  const blob = compressedBlob(() => tarBytes(all, dialect), { compression, pool });
  await collect(blob);
  return blob.result();
}

test('the tars of all dialects', async t => {
  const digests = [];
  for (const dialect of [nixDialect, pythonDialect, goDialect]) {
    const { diffId, uncompressedSize } = await blobOf(t, 'none', dialect);
    digests.push({ diffId, uncompressedSize });
  }
  assert.deepEqual(digests, [
    {
      diffId: 'sha256:ce8e7d6bf2710c10c8443f8013df529ac14a255eeb2da6060bdb6b4932973561',
      uncompressedSize: 9452544,
    },
    {
      diffId: 'sha256:e34a95729f682a7a4da4817836d552749214979307c63738f146e4db48ffe235',
      uncompressedSize: 9461760,
    },
    {
      diffId: 'sha256:63c3face1cca86cf05fed2f3c8a5371edf6aaa399dc9f57337d70d2ba3d122d2',
      uncompressedSize: 9452544,
    },
  ]);
});

test('the frames of zstd and the members of gzip', async t => {
  const zstd = await blobOf(t, 'zstd', nixDialect);
  const gzip = await blobOf(t, 'gzip', nixDialect);
  assert.equal(frameSize, 4 << 20);
  assert.equal(zstd.diffId, gzip.diffId);
  assert.deepEqual(
    { zstd: zstd.digest, gzip: gzip.digest },
    {
      zstd: 'sha256:5bba936f9376c7f1bf66dc7254d2a9a78456b996132114802e3212bba9493a1f',
      gzip: 'sha256:be2ba67524c5bd8d4b21c2c305db5e821b5e3793ecd9c6beda63f657ffd184d9',
    },
  );
});
