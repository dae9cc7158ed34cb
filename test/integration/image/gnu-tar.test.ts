import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { storeEntries } from '../../../src/image/store-tree.ts';
import { nixDialect } from '../../../src/image/tar-header.ts';
import { readTar } from '../../../src/image/tar-reader.ts';
import { tarBytes } from '../../../src/image/tar-writer.ts';
import { allBytes, collect, streamOf, temporaryFolder } from '../../unit/image/fixtures.ts';

function exampleTree(root: string): string {
  const tree = mkdtempSync(`${root}/tree-`);
  const deep = `${tree}/${'d'.repeat(90)}/${'e'.repeat(90)}`;
  mkdirSync(deep, { recursive: true });
  writeFileSync(`${deep}/${'f'.repeat(150)}`, 'long');
  writeFileSync(`${tree}/ünïcødé`, 'unicode');
  writeFileSync(`${tree}/file`, Buffer.alloc(100_000, 'x'));
  linkSync(`${tree}/file`, `${tree}/hard`);
  symlinkSync('t'.repeat(150), `${tree}/link`);
  return tree;
}

for (const format of ['gnu', 'pax']) {
  test(`a tar of GNU tar in ${format} format is read`, async t => {
    const root = temporaryFolder(t);
    const tree = exampleTree(root);
    const tar = execFileSync('tar', [
      '--format',
      format,
      '--sort=name',
      '-C',
      tree,
      '-cf',
      '-',
      '.',
    ]);
    const found = new Map<string, string>();
    for await (const member of readTar(streamOf(tar), 'tar')) {
      const path = Buffer.from(member.path, 'latin1').toString();
      found.set(path, `${member.type} ${member.target}${(await collect(member.content())).length}`);
    }
    const deep = `./${'d'.repeat(90)}/${'e'.repeat(90)}`;
    assert.deepEqual(
      found,
      new Map([
        ['.', 'directory 0'],
        [`./${'d'.repeat(90)}`, 'directory 0'],
        [deep, 'directory 0'],
        [`${deep}/${'f'.repeat(150)}`, 'file 4'],
        ['./file', 'file 100000'],
        ['./hard', 'hardlink ./file0'],
        ['./link', `symlink ${'t'.repeat(150)}0`],
        ['./ünïcødé', 'file 7'],
      ]),
    );
  });
}

test('GNU tar unpacks our layers as they were', async t => {
  const root = temporaryFolder(t);
  const tree = exampleTree(root);
  const tar = await allBytes(tarBytes(storeEntries([tree], nixDialect, root), nixDialect));
  mkdirSync(`${root}/out`);
  execFileSync('tar', ['-C', `${root}/out`, '-xf', '-'], { input: tar });
  execFileSync('diff', ['-r', '--no-dereference', tree, `${root}/out${tree}`]);
});
