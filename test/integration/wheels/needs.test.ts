import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { explain } from '../../../src/host/failure.ts';
import { allPins } from '../../../src/wheels/lock.ts';
import { startPackageIndex } from '../../tools/package-index.ts';
import { runProgram } from '../../tools/programs.ts';
import { folderOfUv } from '../../tools/uv.ts';
import { workbench } from './workbench.ts';

/** An index with wheels for all platforms, and repositories with one commit. */
async function setUp(context: TestContext) {
  const index = await startPackageIndex();
  context.after(() => index.stop());
  const bench = await workbench(context);
  const git = async (folder: string, ...args: string[]) => {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid'];
    return (await runProgram('git', ['-C', folder, ...identity, ...args])).trim();
  };
  const commit = async (folder: string) => {
    await git(folder, 'init', '--quiet', '--initial-branch=main');
    await git(folder, 'add', '--all');
    await git(folder, 'commit', '--quiet', '--message', 'all');
    await git(folder, 'update-server-info');
    return git(folder, 'rev-parse', 'HEAD');
  };
  return {
    index,
    bench,
    commit,
    has: (project: string, ...requires: string[]) => {
      const [name = '', version = ''] = project.split(' ');
      index.publish('pypi', `${name}-${version}-py3-none-any.whl`, { requires });
    },
    repository: async (name: string, files: Record<string, string>) => {
      const folder = join(bench.folder, 'repositories', name);
      await mkdir(folder, { recursive: true });
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
      return { folder, url: pathToFileURL(folder).href, rev: await commit(folder) };
    },
    want: async (files: Record<string, string>, more = '') => {
      for (const [file, text] of Object.entries(files)) {
        await writeFile(join(bench.folder, file), text);
      }
      await bench.want(
        `cuda = ["cu130"]\npython = ["3.13"]\npackage-index = "${index.url}/pypi"\n` +
          `requirements = ${JSON.stringify(Object.keys(files))}\n${more}`,
      );
    },
    run: (changes = {}) => bench.run(changes, { PATH: `${folderOfUv()}:${process.env.PATH}` }),
    locked: async () =>
      allPins(await bench.lock()).map(
        ({ name, pin }) => `${name} ${pin.version} by ${pin.requiredBy}`,
      ),
  };
}

const refusal = (running: Promise<unknown>): Promise<string> =>
  running.then(
    () => assert.fail('it succeeded'),
    error => explain(error),
  );

test('what a Git package of a list requires is locked, and what the repositories that it names require', async context => {
  const { bench, has, repository, want, run, locked } = await setUp(context);
  has('deep 1.0');
  has('dep 1.0');
  has('dep 2.0');
  const inner = await repository('Inner', { 'requirements.txt': '-r other.txt\ndeep\n' });
  const outer = await repository('outer', {
    'pyproject.toml': `[project]\nname = "outer"\nversion = "1"\ndependencies = ["dep<2", "inner @ git+${inner.url}"]\n`,
    'requirements.txt': 'not-this\n',
  });
  await want({ 'list.txt': `dep\ngit+${outer.url}@main\n` });
  await run();
  const { sources } = await bench.lock();
  assert.deepEqual(
    Object.entries(sources).map(([name, pin]) => [name, 'rev' in pin && pin.rev, pin.requires]),
    [
      ['inner', inner.rev, ['deep']],
      ['outer', outer.rev, ['dep<2', `inner @ git+${inner.url}`]],
    ],
  );
  assert.deepEqual(await locked(), ['deep 1.0 by inner', 'dep 1.0 by list.txt,outer']);
  const text = await bench.lockText();
  await run();
  await run({ check: true });
  assert.equal(await bench.lockText(), text);

  const table = `[sources.outer]\nurl = "${outer.url}"\nref = "main"\n`;
  await want({ 'list.txt': `dep\ngit+${outer.url}@main\n` }, table);
  await run();
  assert.deepEqual(await locked(), ['dep 2.0 by list.txt'], 'by hand it is only fetched');
  await want({ 'list.txt': 'dep\n' }, `${table}package = true\n`);
  await run();
  assert.deepEqual(await locked(), ['deep 1.0 by inner', 'dep 1.0 by list.txt,outer']);
  assert.deepEqual((await bench.lock()).sources.outer?.buildRequires, ['setuptools']);
});

test('what a repository requires and cannot be taken is named with it', async context => {
  const { bench, repository, want, run } = await setUp(context);
  const odd = await repository('odd', { 'requirements.txt': 'fine\n./local.whl\nb==\n' });
  await want({ 'list.txt': `git+${odd.url}\n` });
  const said = await refusal(run());
  assert.match(said, /^Sources require what cannot be taken\. The lock was left as it is\./);
  assert.match(said, /odd: \.\/local\.whl: a file of one machine/);
  assert.match(said, /odd: b==: it is no requirement/);
  await assert.rejects(bench.lock());
});

test('a list that is a link out of its repository is not read, and a setup.cfg is', async context => {
  const { bench, commit, has, repository, want, run } = await setUp(context);
  await writeFile(join(bench.folder, 'secret'), 'nobody-s-business\n');
  const { folder, url } = await repository('linked', {
    'setup.cfg': '[options]\ninstall_requires = told\n',
  });
  has('told 1.0');
  await symlink(join(bench.folder, 'secret'), join(folder, 'requirements.txt'));
  await commit(folder);
  await want({ 'list.txt': `git+${url}\n` });
  await run();
  assert.deepEqual((await bench.lock()).sources.linked?.requires, ['told']);
});

test("what a snapshot's custom nodes require is locked, and nothing is built", async context => {
  const { bench, has, repository, want, run, locked } = await setUp(context);
  has('dep 1.0');
  const node = await repository('node', {
    'requirements.txt': 'dep\n',
    'pyproject.toml': '[project]\ndependencies = ["other"]\n',
  });
  // snapshots name addresses of HTTP alone
  const elsewhere = pathToFileURL(join(bench.folder, 'repositories/')).href;
  const config = `[url "${elsewhere}"]\ninsteadOf = https://git.example/\n`;
  await writeFile(join(bench.folder, '.gitconfig'), config);
  const nodes = { 'https://git.example/node': { hash: node.rev, disabled: false } };
  await want({ 'snapshot.json': JSON.stringify({ git_custom_nodes: nodes }) });
  await run();
  const pin = (await bench.lock()).sources.node;
  assert.deepEqual([pin?.requires, pin?.buildRequires], [['dep'], undefined]);
  assert.deepEqual(await locked(), ['dep 1.0 by node']);
});
