import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { keepOnly, narinfo, pathsIn } from '../../../src/caches/github/nar-folder.ts';

const first = `/nix/store/${'a'.repeat(32)}-first`;
const second = `/nix/store/${'b'.repeat(32)}-second`;
const info = { narSize: 120, narHash: 'sha256:0abc', references: [first, second] };

async function folderWith(t: TestContext, ...paths: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nars-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'nar'));
  for (const path of paths) {
    const hash = path.slice('/nix/store/'.length).slice(0, 32);
    await writeFile(join(folder, `${hash}.narinfo`), narinfo(path, info));
    await writeFile(join(folder, 'nar', `${hash}.nar.zst`), 'bytes');
  }
  return folder;
}

test('a narinfo has the fields that Nix needs', () => {
  assert.equal(
    narinfo(second, info),
    [
      `StorePath: ${second}`,
      `URL: nar/${'b'.repeat(32)}.nar.zst`,
      'Compression: zstd',
      'NarHash: sha256:0abc',
      'NarSize: 120',
      `References: ${'a'.repeat(32)}-first ${'b'.repeat(32)}-second`,
      '',
    ].join('\n'),
  );
});

test('a folder holds the paths whose NARs are there', async t => {
  const folder = await folderWith(t, first, second);
  await rm(join(folder, 'nar', `${'a'.repeat(32)}.nar.zst`));
  assert.deepEqual(await pathsIn(folder), [{ storePath: second, size: 5 }]);
  assert.deepEqual(await pathsIn(join(folder, 'missing')), []);
});

test('what is not wanted any more leaves no file', async t => {
  const folder = await folderWith(t, first, second);
  const kept = await keepOnly(folder, new Set([second]));
  assert.deepEqual(kept, [{ storePath: second, size: 5 }]);
  const hash = 'b'.repeat(32);
  assert.deepEqual((await readdir(folder)).sort(), [`${hash}.narinfo`, 'nar']);
  assert.deepEqual(await readdir(join(folder, 'nar')), [`${hash}.nar.zst`]);
});
