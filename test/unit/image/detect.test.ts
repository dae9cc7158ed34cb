import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Failure } from '../../../src/host/failure.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import {
  detectSource,
  type OpenSourceOptions,
  openSource,
} from '../../../src/image/sources/detect.ts';
import { fillLayout, smallArchive, smallLayer, startLayout } from '../../tools/small-image.ts';
import { collect, filesAt, hashed, temporaryFolder } from './fixtures.ts';

async function kindOf(t: TestContext, content: Buffer | string, mode = 0o644): Promise<string> {
  const file = `${temporaryFolder(t)}/file`;
  writeFileSync(file, content);
  chmodSync(file, mode);
  const found = await detectSource(await filesAt(file)).catch((error: Failure) => error.message);
  return typeof found === 'string' ? found.slice(found.indexOf(' is ') + 4) : found.kind;
}

const elf = Buffer.from('7f454c4602010100', 'hex');

test('files are told by how they begin', async t => {
  const tar = smallArchive();
  for (const archive of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
    assert.equal(await kindOf(t, archive), 'archive');
    assert.equal(await kindOf(t, archive, 0o755), 'archive');
  }
  for (const json of ['{"version":1}', ' \n\t{}']) {
    assert.equal(await kindOf(t, json), 'nix2container');
  }
  const none = 'no image: it is a file that is no archive, no program and no JSON.';
  for (const other of ['', 'text', '[]', `${' '.repeat(70)}{`, elf, '#!/bin/sh', 'ustar']) {
    assert.equal(await kindOf(t, other), none);
  }
});

test('a program is a file that may be run, a script or ELF', async t => {
  assert.equal(await kindOf(t, elf, 0o755), 'program');
  assert.equal(await kindOf(t, '#!/bin/sh\n', 0o755), 'program');
  for (const other of ['# !/bin/sh', elf.subarray(0, 3), Buffer.from('7f454c47', 'hex')]) {
    assert.match(await kindOf(t, other, 0o755), /no image/);
  }
});

test('a script that names a conf.json is read instead of run', async t => {
  const conf = `/nix/store/${hashed('x-conf.json')}`;
  assert.equal(await kindOf(t, `#!/bin/sh\nexec x ${conf}\n`, 0o755), 'stream-layered');
  assert.match(await kindOf(t, `#!/bin/sh\nexec x ${conf}\n`), /no image/, 'it is no program');
  const far = `${'#'.repeat(300 << 10)}\n${conf}`;
  assert.equal(await kindOf(t, `#!/bin/sh\n${far}`, 0o755), 'program', 'no wrapper is so long');
});

test('a folder is a layout where it says so', async t => {
  const folder = temporaryFolder(t);
  const files = await filesAt(folder);
  await assert.rejects(
    detectSource(files),
    /is no image: it is a folder without the file oci-layout/,
  );
  mkdirSync(`${folder}/layout`);
  const layout = startLayout(`${folder}/layout`);
  assert.equal((await detectSource(await filesAt(layout.folder))).kind, 'oci-layout');
});

const options: OpenSourceOptions = {
  packing: { compression: 'zstd', pool: framePool(1) },
  now: async () => 0,
  runPrograms: true,
  env: { PATH: process.env.PATH },
  platform: linuxOn('amd64'),
};

test('what a program writes is an image, where it may be run', async t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/image.tar`, smallArchive());
  writeFileSync(`${folder}/stream`, `#!/bin/sh\nexec cat ${folder}/image.tar\n`, { mode: 0o755 });
  const files = await filesAt(`${folder}/stream`);
  const none = { ...options.packing, compression: 'none' as const };
  const image = await openSource(files, { ...options, packing: none });
  const [layer] = image.layers;
  assert.ok((await collect(layer?.source.open() ?? assert.fail())).equals(smallLayer));
  await image.close();
  await assert.rejects(openSource(files, { ...options, runPrograms: false }), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.match(
      error.message,
      /is a program that writes an image, and code from a fork is not run/,
    );
    return true;
  });
});

test('layers that are not to be packed have a size, however they are stored', async t => {
  const layout = startLayout(`${temporaryFolder(t)}/layout`);
  const { manifest } = fillLayout(layout);
  const layers = [layout.put(gzipSync(smallLayer), 'application/vnd.oci.image.layer.v1.tar+gzip')];
  layout.index([
    layout.put(
      JSON.stringify({ ...manifest, layers }),
      'application/vnd.oci.image.manifest.v1+json',
    ),
  ]);
  const files = await filesAt(layout.folder);
  const sizes = async (compression: 'none' | 'zstd') => {
    const image = await openSource(files, {
      ...options,
      packing: { ...options.packing, compression },
    });
    return image.layers.map(({ source }) => source.uncompressedSize);
  };
  assert.deepEqual(await sizes('none'), [smallLayer.length]);
  assert.deepEqual(await sizes('zstd'), [undefined], 'it is passed on unread');
});
