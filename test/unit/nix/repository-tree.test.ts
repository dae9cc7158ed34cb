import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { repositoryTree } from '../../../src/nix/repository-tree.ts';
import { hostWithPrograms, quietHost } from '../../tools/host.ts';

/** A repository with one commit, of which the flake is in a folder. */
async function repository(context: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'tree-'));
  context.after(() => rm(folder, { recursive: true }));
  const who = { NAME: 'n', EMAIL: 'e@example' };
  const names = Object.entries(who).flatMap(([name, value]) =>
    ['AUTHOR', 'COMMITTER'].map(role => [`GIT_${role}_${name}`, value]),
  );
  const env = { ...Object.fromEntries(names), PATH: process.env.PATH, HOME: folder };
  const host = hostWithPrograms(env);
  const git = async (...args: string[]) => {
    const limit = 'none' as const;
    const { code, stdout, stderr } = await host.run({ file: 'git', args, cwd: folder, limit });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  await git('init', '--quiet');
  await mkdir(join(folder, 'images'));
  await writeFile(join(folder, 'images', 'flake.nix'), '{ }');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'one');
  const treeOf = (installable: string) => repositoryTree(installable, folder, host);
  return { folder, git, host, treeOf };
}

test('the tree is that of the root, wherever in the repository the flake is', async t => {
  const { treeOf } = await repository(t);
  const tree = '8fe8abfbefaa635984bb4e646144c2d1e1900823';
  for (const flake of ['.', './images#comfyui', '.?dir=images#comfyui']) {
    assert.equal(await treeOf(flake), tree, flake);
  }
});

test('it is the same for a commit that changes nothing, and of another what is in it', async t => {
  const { folder, git, treeOf } = await repository(t);
  const before = await treeOf('.');
  await git('commit', '--quiet', '--allow-empty', '-m', 'two');
  assert.equal(await treeOf('.'), before);
  await writeFile(join(folder, 'images', 'flake.nix'), '{ outputs = _: { }; }');
  assert.equal(await treeOf('.'), undefined, 'files differ from the commit');
  await git('commit', '--quiet', '--all', '-m', 'three');
  assert.equal(await treeOf('.'), await git('rev-parse', 'HEAD^{tree}'));
  await writeFile(join(folder, 'untracked'), '');
  assert.notEqual(await treeOf('.'), undefined, 'Nix does not take what git does not know');
});

test('what is of no repository here, or what git does not tell, is not known', async t => {
  const { folder, host, treeOf } = await repository(t);
  for (const flake of ['github:o/r#x', 'path:.#x', 'nixpkgs#hello', '.hidden', './nowhere']) {
    assert.equal(await treeOf(flake), undefined, flake);
  }
  await rm(join(folder, '.git'), { recursive: true });
  assert.equal(await repositoryTree('.', folder, host), undefined);
  const without = quietHost({
    run: async () => {
      throw new Failure('git was not found');
    },
  });
  assert.equal(await repositoryTree('.', folder, without), undefined, 'no git');
});
