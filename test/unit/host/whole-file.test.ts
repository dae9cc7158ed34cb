import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { writePrivate, writeWhole } from '../../../src/host/whole-file.ts';

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'whole-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const modeOf = (file: string) => statSync(file).mode & 0o777;

test('a file has its mode whatever the umask and the mode that it had', async context => {
  const folder = folderFor(context);
  const file = join(folder, 'file');
  writeFileSync(file, 'everybody may read this');
  chmodSync(file, 0o666);
  const before = process.umask(0o077);
  context.after(() => process.umask(before));
  await writePrivate(file, 'secret');
  assert.deepEqual([readFileSync(file, 'utf8'), modeOf(file)], ['secret', 0o600]);
  await writeWhole(file, Buffer.from([0xff]), 0o644);
  assert.deepEqual([[...readFileSync(file)], modeOf(file)], [[0xff], 0o644]);
  assert.deepEqual(readdirSync(folder), ['file']);
});

test('a link in its place is replaced, and what it leads to stays', async context => {
  const folder = folderFor(context);
  const [file, other] = [join(folder, 'file'), join(folder, 'other')];
  writeFileSync(other, 'of somebody');
  symlinkSync('other', file);
  await writePrivate(file, 'ours');
  assert.equal(readFileSync(other, 'utf8'), 'of somebody');
  assert.equal(readFileSync(file, 'utf8'), 'ours');
});

test('of several that write at the same time one has written all of it', async context => {
  const folder = folderFor(context);
  const file = join(folder, 'file');
  const texts = Array.from({ length: 20 }, (_, at) => String(at).repeat(100_000));
  await Promise.all(texts.map(text => writePrivate(file, text)));
  assert.ok(texts.includes(readFileSync(file, 'utf8')));
  assert.deepEqual(readdirSync(folder), ['file']);
});

test('what a killed run has left goes; where it cannot be written, nothing stays', async context => {
  const folder = folderFor(context);
  writeFileSync(join(folder, '.partial-0123456789abcdef'), 'half of a secret');
  await writePrivate(join(folder, 'file'), 'text');
  assert.deepEqual(readdirSync(folder), ['file']);
  mkdirSync(join(folder, 'taken'));
  await assert.rejects(writePrivate(join(folder, 'taken'), 'text'), { code: 'EISDIR' });
  await assert.rejects(writePrivate(join(folder, 'none/file'), 'text'), { code: 'ENOENT' });
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'taken']);
});
