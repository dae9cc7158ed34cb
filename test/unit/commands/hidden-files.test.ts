import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { warningOf } from '../../../src/commands/build/hidden-files.ts';

test('what another source of a folder has is told where it is another file', async context => {
  const place = await mkdtemp(join(tmpdir(), 'hidden-'));
  context.after(() => rm(place, { recursive: true, force: true }));
  const files = { a: 'x', same: 'x', other: 'y', long: 'xx', big: ' '.repeat(2 ** 20 + 1) };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(place, 'nix/store', name), { recursive: true });
    await writeFile(join(place, 'nix/store', name, 'f'), text);
  }
  await mkdir(join(place, 'nix/store/link'));
  await symlink('../a/f', join(place, 'nix/store/link/f'));
  const told = async (other: string, isMade = true) => {
    const file = { path: '/opt/f', taken: '/nix/store/a/f', hidden: `/nix/store/${other}/f` };
    return (await warningOf([file], place, isMade)) !== undefined;
  };
  assert.deepEqual(
    await Promise.all(['same', 'other', 'long', 'big', 'link'].map(each => told(each))),
    [...[false, true, true, true, true]],
  );
  assert.deepEqual([await told('gone'), await told('gone', false)], [true, false]);
  assert.equal(await warningOf([], place, true), undefined);
  const many = Array.from({ length: 7 }, (_, at) => ({
    ...{ path: `/opt/${at}`, taken: '/nix/store/a/f', hidden: '/nix/store/other/f' },
  }));
  assert.match((await warningOf(many, place, true)) ?? '', /\/opt\/4 is .*; and 2 more\.$/);
});
