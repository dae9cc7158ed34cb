import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { narBytes } from '../../../src/image/nar-writer.ts';
import { allBytes, temporaryFolder } from './fixtures.ts';

/** Text as a NAR holds it: its length, its bytes, zeros up to a multiple of eight. */
function string(text: string): string {
  const bytes = Buffer.from(text);
  const length = String.fromCharCode(bytes.length).padEnd(8, '\0');
  const end = '\0'.repeat((8 - (bytes.length % 8)) % 8);
  return length + bytes.toString('latin1') + end;
}

const archive = (...words: string[]) => ['nix-archive-1', ...words].map(string).join('');

const narOf = async (path: string) => (await allBytes(narBytes(path))).toString('latin1');

test('a folder is archived with its files in the order of their bytes', async t => {
  const path = `${temporaryFolder(t)}/path`;
  mkdirSync(`${path}/b`, { recursive: true });
  writeFileSync(`${path}/a-program`, 'run', { mode: 0o755 });
  writeFileSync(`${path}/a.text`, '12345678', { mode: 0o444 });
  writeFileSync(`${path}/\u00e4`, '');
  symlinkSync('../elsewhere', `${path}/Z`);
  const entry = (name: string, ...node: string[]) => [
    ...['entry', '(', 'name', name, 'node', '('],
    ...[...node, ')', ')'],
  ];
  assert.equal(
    await narOf(path),
    archive(
      ...['(', 'type', 'directory'],
      ...entry('Z', 'type', 'symlink', 'target', '../elsewhere'),
      ...entry('a-program', 'type', 'regular', 'executable', '', 'contents', 'run'),
      ...entry('a.text', 'type', 'regular', 'contents', '12345678'),
      ...entry('b', 'type', 'directory'),
      ...entry('\u00e4', 'type', 'regular', 'contents', ''),
      ')',
    ),
  );
});

test('a path may be a file or a link by itself', async t => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/file`, 'text');
  symlinkSync('file', `${folder}/link`);
  assert.equal(
    await narOf(`${folder}/file`),
    archive('(', 'type', 'regular', 'contents', 'text', ')'),
  );
  assert.equal(
    await narOf(`${folder}/link`),
    archive('(', 'type', 'symlink', 'target', 'file', ')'),
  );
  chmodSync(`${folder}/file`, 0o555);
  assert.match(await narOf(`${folder}/file`), /executable/);
});
