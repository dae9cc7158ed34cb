import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { partialFile, removeAbandoned } from '../../../src/host/partial-files.ts';

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'partial-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const abandoned = '.partial-0123456789abcdef';

test('a partial file gets its name, or goes; nothing else stays', async context => {
  const folder = folderFor(context);
  const [one, other] = [await partialFile(folder), await partialFile(folder)];
  writeFileSync(one.path, 'one');
  await one.complete(join(folder, 'one'));
  await one.discard();
  writeFileSync(other.path, 'other');
  await other.discard();
  assert.deepEqual(readdirSync(folder), ['one']);
});

test('what cannot get its name can still be discarded', async context => {
  const folder = folderFor(context);
  const partial = await partialFile(folder);
  writeFileSync(partial.path, '');
  await assert.rejects(partial.complete(join(folder, 'no/where')), { code: 'ENOENT' });
  await partial.discard();
  assert.deepEqual(readdirSync(folder), []);
});

test('a folder that is missing is an error of the file system', async context => {
  await assert.rejects(partialFile(join(folderFor(context), 'none')), { code: 'ENOENT' });
});

test('what ended runs left is removed: with its lock, without, or the lock alone', async context => {
  const folder = folderFor(context);
  writeFileSync(join(folder, abandoned), 'x');
  writeFileSync(join(folder, `${abandoned}.lock`), '');
  writeFileSync(join(folder, '.partial-1111111111111111'), 'x');
  writeFileSync(join(folder, '.partial-2222222222222222.lock'), '');
  writeFileSync(join(folder, '.partial-of-somebody'), 'x');
  const living = await partialFile(folder);
  writeFileSync(living.path, 'x');
  await removeAbandoned(folder);
  assert.equal(readFileSync(living.path, 'utf8'), 'x');
  await living.discard();
  assert.deepEqual(readdirSync(folder), ['.partial-of-somebody']);
});

test('a file system that gives files to another user takes them all the same', async context => {
  const folder = folderFor(context);
  const { geteuid } = process;
  process.geteuid = () => 12_345;
  context.after(() => Object.assign(process, { geteuid }));
  const partial = await partialFile(folder);
  writeFileSync(partial.path, 'x');
  await partial.complete(join(folder, 'file'));
  assert.deepEqual(readdirSync(folder), ['file']);
});
