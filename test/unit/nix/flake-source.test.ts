import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { flakeSource, localFlake } from '../../../src/nix/flake-source.ts';
import { hostWithPrograms, quietHost } from '../../tools/host.ts';

/** A repository with one commit, of which the flake is in a folder. */
async function repository(context: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'source-'));
  context.after(() => rm(folder, { recursive: true }));
  const who = { NAME: 'n', EMAIL: 'e@example', DATE: '1700000000 +0000' };
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
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const commitAll = async () => {
    await git('add', '--all');
    await git('commit', '--quiet', '--allow-empty', '-m', 'a commit');
  };
  await git('init', '--quiet');
  await mkdir(join(folder, 'images'));
  await write('images/flake.nix', '{ }');
  await write('app', '1');
  await write('lines', 'one\ntwo\n');
  await commitAll();
  const sourceOf = (installable: string) => flakeSource(installable, folder, host);
  return { folder, git, host, write, commitAll, sourceOf };
}

test('commit and tree are those of the repository, wherever in it the flake is', async t => {
  const { git, sourceOf } = await repository(t);
  const commit = await git('rev-parse', 'HEAD');
  const tree = await git('rev-parse', 'HEAD^{tree}');
  const root = await git('rev-parse', '--show-toplevel');
  const source = { commit, tree, root, folder: '', isPlain: true, isShallow: false };
  assert.deepEqual(await sourceOf('.'), source);
  assert.deepEqual(await sourceOf('.?dir=images#comfyui'), source);
  assert.deepEqual(await sourceOf('./images#comfyui'), { ...source, folder: 'images' });
});

test('a commit that changes nothing has the same tree; files that git does not know are no change', async t => {
  const { sourceOf, write, commitAll, git } = await repository(t);
  const before = await sourceOf('.');
  await commitAll();
  const after = await sourceOf('.');
  assert.equal(after?.tree, before?.tree);
  await git('commit', '--quiet', '--amend', '--allow-empty', '-m', 'other words');
  assert.notEqual((await sourceOf('.'))?.commit, after?.commit);
  await write('untracked', '');
  assert.notEqual(await sourceOf('.'), undefined);
});

const changes: Record<string, (scene: Awaited<ReturnType<typeof repository>>) => Promise<unknown>> =
  {
    'a file that differs': ({ write }) => write('app', '2'),
    'one that differs, of the same size and long ago': async ({ folder, write }) => {
      await write('app', '2');
      await utimes(join(folder, 'app'), 1, 1);
    },
    'one that is gone': ({ folder }) => rm(join(folder, 'app')),
    'another mode': ({ git }) => git('update-index', '--chmod=+x', 'app'),
    'one that is added': async ({ write, git }) => {
      await write('more', '');
      await git('add', 'more');
    },
    'one that is to be added': async ({ write, git }) => {
      await write('more', '');
      await git('add', '--intent-to-add', 'more');
    },
    'one that is said to be unchanged': async ({ write, git }) => {
      await git('update-index', '--assume-unchanged', 'app');
      await write('app', '2');
    },
    'one that is not checked out': async ({ folder, git }) => {
      await git('update-index', '--skip-worktree', 'app');
      await rm(join(folder, 'app'));
    },
    'line ends of another system': async ({ folder, git }) => {
      await git('config', 'core.autocrlf', 'true');
      await rm(join(folder, 'lines'));
      await git('checkout', '--', 'lines');
      assert.equal(await git('status', '--porcelain'), '');
    },
    'one that a filter has made of a pointer': async ({ folder, git, write, commitAll }) => {
      await git('config', 'filter.lfs.clean', 'echo pointer; cat > /dev/null');
      await git('config', 'filter.lfs.smudge', 'echo large; cat > /dev/null');
      await write('.gitattributes', 'model filter=lfs\n');
      await write('model', 'large');
      await commitAll();
      await rm(join(folder, 'model'));
      await git('checkout', '--', 'model');
      await utimes(join(folder, 'model'), 1, 1);
      assert.equal(await git('status', '--porcelain'), '');
    },
    'a merge that is under way': async ({ write, git, commitAll }) => {
      await git('branch', 'other');
      await write('app', '2');
      await commitAll();
      await git('checkout', '--quiet', 'other');
      await write('app', '3');
      await commitAll();
      await git('merge', '-').catch(() => undefined);
    },
    'no commit': ({ git }) => git('update-ref', '-d', 'HEAD'),
  };
for (const [what, change] of Object.entries(changes)) {
  test(`a repository with ${what} is of no commit`, async t => {
    const scene = await repository(t);
    await change(scene);
    assert.equal(await scene.sourceOf('.'), undefined);
  });
}

test('a change is seen that a file monitor, and a repository that looks at little, would not tell', async t => {
  const { folder, git, write, sourceOf } = await repository(t);
  const ran = join(folder, 'ran');
  const program = join(folder, 'program');
  await writeFile(program, `#!/bin/sh\ntouch ${ran}\nprintf 'token\\0'\n`, { mode: 0o755 });
  await git('config', 'core.fileMode', 'false');
  await git('config', 'core.checkStat', 'minimal');
  await git('config', 'core.fsmonitor', program);
  await git('status');
  await rm(ran, { force: true });
  assert.notEqual(await sourceOf('.'), undefined);
  await write('app', '2');
  assert.equal(await sourceOf('.'), undefined);
  await assert.rejects(access(ran), 'the program of the repository was run');
});

test('no filter of the repository is run: what was filtered counts as changed', async t => {
  const { folder, git, write, commitAll, sourceOf } = await repository(t);
  const ran = join(folder, '.git', 'ran');
  await git('config', 'filter.lfs.clean', `touch ${ran}; cat`);
  await git('config', 'filter.lfs.required', 'true');
  await write('.gitattributes', 'app filter=lfs\n');
  await commitAll();
  await rm(ran, { force: true });
  await utimes(join(folder, 'app'), 1, 1);
  assert.equal((await sourceOf('.'))?.isPlain, false);
  await assert.rejects(access(ran), 'the filter was run');
});

test('attributes by which files are made otherwise leave the tree alone without a word', async t => {
  const { write, commitAll, sourceOf } = await repository(t);
  const isPlainWith = async (line: string) => {
    await write('images/.gitattributes', line);
    await commitAll();
    return (await sourceOf('.'))?.isPlain;
  };
  for (const plain of ['', '*.png diff=exif\n', '*.md linguist-generated\n']) {
    assert.equal(await isPlainWith(plain), true, plain);
  }
  const telling = [
    ...['* text=auto', '* -text', 'a binary', '*.sh eol=lf', '*.v ident', 'doc export-ignore'],
    ...['v export-subst', '*.psd filter=lfs -text', '*.ps1 working-tree-encoding=UTF-16'],
    ...['[attr]bin -diff', '*.bat crlf', 'a diff !text'],
  ];
  for (const line of telling) assert.equal(await isPlainWith(`${line}\n`), false, line);
});

test('submodules count: their commit, and their files', async t => {
  const { folder, git, commitAll, sourceOf } = await repository(t);
  const other = await repository(t);
  const add = ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add'];
  await git(...add, other.folder, 'sub');
  assert.equal(await sourceOf('.'), undefined, 'it is not committed');
  await commitAll();
  assert.equal((await sourceOf('.'))?.isPlain, false);
  await writeFile(join(folder, 'sub', 'app'), 'other');
  assert.equal(await sourceOf('.'), undefined, 'a file differs');
  await git('-C', 'sub', 'commit', '--quiet', '-am', 'more');
  assert.equal(await sourceOf('.'), undefined, 'it is at another commit');
  await git('-C', 'sub', 'reset', '--quiet', '--hard', 'HEAD^');
  assert.notEqual(await sourceOf('.'), undefined);
  await git('submodule', '--quiet', 'deinit', '--force', 'sub');
  assert.notEqual(await sourceOf('.'), undefined, 'it was not fetched');
});

test('a submodule that was not fetched counts where the flake may ask for it', async t => {
  const { folder, git, write, commitAll, sourceOf } = await repository(t);
  const other = await repository(t);
  await git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other.folder, 'sub');
  await write('images/flake.nix', '{ inputs.self.submodules = true; }');
  await commitAll();
  assert.notEqual(await sourceOf('.'), undefined);
  await git('submodule', '--quiet', 'deinit', '--force', 'sub');
  assert.equal(await sourceOf('.'), undefined);
  await rm(join(folder, 'sub'), { recursive: true });
  assert.equal(await sourceOf('.'), undefined, 'its folder is gone');
});

test('a clone that lacks the commits before is told: Nix counts them', async t => {
  const { folder, git, host, commitAll } = await repository(t);
  await commitAll();
  await git('clone', '--quiet', '--depth=1', `file://${folder}`, 'shallow');
  const found = await flakeSource('.', join(folder, 'shallow'), host);
  assert.equal(found?.isShallow, true);
});

test('variables that lead git elsewhere lead nobody', async t => {
  const { folder, sourceOf } = await repository(t);
  const other = await repository(t);
  await other.commitAll();
  const env = { PATH: process.env.PATH, HOME: folder, GIT_DIR: join(other.folder, '.git') };
  const found = await flakeSource('.', folder, hostWithPrograms(env));
  assert.equal(found?.commit, (await sourceOf('.'))?.commit);
});

test('what is of no repository here, or what git does not tell, is not known', async t => {
  const { folder, host, sourceOf } = await repository(t);
  const elsewhere = ['github:o/r#x', 'path:.#x', 'nixpkgs#hello', '.hidden', './nowhere'];
  for (const flake of [...elsewhere, '.?submodules=1#x', '.?dir=images&rev=1']) {
    assert.equal(await sourceOf(flake), undefined, flake);
  }
  await symlink('/nowhere', join(folder, 'gone'));
  assert.equal(await sourceOf('./gone'), undefined);
  await rm(join(folder, '.git'), { recursive: true });
  assert.equal(await flakeSource('.', folder, host), undefined);
  const without = quietHost({
    run: async () => {
      throw new Failure('git was not found');
    },
  });
  assert.equal(await flakeSource('.', folder, without), undefined, 'no git');
});

test('an installable of a folder here is taken apart; others are none', () => {
  assert.deepEqual(localFlake('.'), { folder: '.' });
  assert.deepEqual(localFlake('../a?dir=b#c.d'), { folder: '../a', dir: 'b', attribute: 'c.d' });
  for (const other of ['..a', '/a#b', 'path:.', '.?rev=1', '.?dir=', '']) {
    assert.equal(localFlake(other), undefined, other);
  }
});
