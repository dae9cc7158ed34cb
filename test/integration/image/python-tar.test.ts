import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { storeEntries } from '../../../src/image/store-tree.ts';
import { pythonDialect } from '../../../src/image/tar-header.ts';
import { tarBytes, tarSize } from '../../../src/image/tar-writer.ts';
import { allBytes, temporaryFolder } from '../../unit/image/fixtures.ts';

const streamer = fileURLToPath(new URL('../../tools/stream_layered_image.py', import.meta.url));

/** A tree with everything that is difficult in a tar. */
function difficultTree(root: string): string[] {
  const tree = `${root}/tree`;
  for (const folder of ['a', 'a-b', 'empty', `deep/${'folder-'.repeat(12)}/${'x'.repeat(90)}`]) {
    mkdirSync(`${tree}/${folder}`, { recursive: true });
  }
  writeFileSync(`${tree}/a/file`, 'text');
  writeFileSync(`${tree}/a-b/file`, 'sorted after a/file');
  writeFileSync(`${tree}/a.file`, Buffer.alloc(512, 1));
  writeFileSync(`${tree}/.hidden`, '');
  writeFileSync(`${tree}/ünïcødé 漢字 𝄞`, 'utf-8');
  writeFileSync(Buffer.from(`${tree}/latin1-\xe9-\xe2\x82`, 'latin1'), 'not utf-8');
  writeFileSync(`${tree}/${'é'.repeat(120)}`, 'long and not ascii');
  writeFileSync(`${tree}/deep/${'folder-'.repeat(12)}/${'x'.repeat(90)}/file`, 'long');
  writeFileSync(`${tree}/${'n'.repeat(100 - tree.length)}`, 'name of a hundred bytes');
  writeFileSync(`${tree}/big`, Buffer.alloc(3_000_001, 'content '));
  symlinkSync('a/file', `${tree}/link`);
  symlinkSync('a', `${tree}/link-to-folder`);
  symlinkSync('/nowhere', `${tree}/dangling`);
  symlinkSync('t'.repeat(101), `${tree}/long-link`);
  symlinkSync('zïel', `${tree}/unicode-link`);
  linkSync(`${tree}/big`, `${tree}/hard-link`);
  chmodSync(`${tree}/a/file`, 0o4755);
  chmodSync(`${tree}/empty`, 0o1777);
  utimesSync(`${tree}/a.file`, 1.5, 1.5);
  writeFileSync(`${root}/single-file`, 'a store path may be a file');
  symlinkSync('tree', `${root}/single-link`);
  return [tree, `${root}/single-link`, `${root}/single-file`];
}

const ours = (paths: string[]) => storeEntries(paths, pythonDialect);
const pythons = (paths: string[]) =>
  execFileSync('python3', [streamer, '--paths', ...paths], { maxBuffer: 1 << 28 });

test("the Python dialect is tarfile's, byte for byte", async t => {
  const paths = difficultTree(temporaryFolder(t));
  const expected = pythons(paths);
  const written = await allBytes(tarBytes(ours(paths), pythonDialect), 65536);
  assert.equal(written.length, expected.length);
  assert.ok(written.equals(expected), `differs at ${firstDifference(written, expected)}`);
  assert.equal(tarSize(ours(paths), pythonDialect), expected.length);
});

test('the header of a file of 8 GiB is the one of tarfile', async t => {
  const root = temporaryFolder(t);
  writeFileSync(`${root}/huge`, '');
  truncateSync(`${root}/huge`, 8 * 2 ** 30);
  const script = [
    'import sys, tarfile',
    'info = tarfile.TarInfo("/" + sys.argv[1].lstrip("/"))',
    'info.size, info.mtime, info.uname, info.gname = 8 * 2**30, 1, "root", "root"',
    'sys.stdout.buffer.write(info.tobuf(tarfile.PAX_FORMAT))',
  ].join('\n');
  const header = execFileSync('python3', ['-c', script, `${root}/huge`]);
  chmodSync(`${root}/huge`, 0o644);
  const frame = Buffer.alloc(3 * 512 + header.length);
  const source = tarBytes(ours([`${root}/huge`]), pythonDialect);
  await source.fill(frame);
  await source.close();
  assert.deepEqual(frame.subarray(1024, 1024 + header.length), header);
});

function firstDifference(a: Buffer, b: Buffer): number {
  return a.findIndex((byte, index) => byte !== b[index]);
}
