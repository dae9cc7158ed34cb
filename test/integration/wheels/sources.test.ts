import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Failure } from '../../../src/host/failure.ts';
import { narHash } from '../../../src/wheels/nar.ts';
import { runProgram } from '../../tools/programs.ts';
import { type Workbench, workbench } from './workbench.ts';

interface Repository {
  url: string;
  git(...args: string[]): Promise<string>;
  /** Commits a file; resolves with the commit. */
  commit(name: string, content: string): Promise<string>;
}

async function repository(bench: Workbench): Promise<Repository> {
  const folder = join(bench.folder, 'repository');
  await mkdir(folder);
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid'];
  const git = async (...args: string[]) =>
    (await runProgram('git', ['-C', folder, ...identity, ...args])).trim();
  await git('init', '--quiet', '--initial-branch=main');
  return {
    url: pathToFileURL(folder).href,
    git,
    commit: async (name, content) => {
      await writeFile(join(folder, name), content);
      await git('add', '--all');
      await git('commit', '--quiet', '--message', name);
      return git('rev-parse', 'HEAD');
    },
  };
}

async function setUp(context: TestContext) {
  const bench = await workbench(context);
  const repo = await repository(bench);
  const want = (ref: string) =>
    bench.want(
      `cuda = ["cu130"]\npython = ["3.12"]\n[sources.app]\nurl = "${repo.url}"\nref = "${ref}"\n`,
    );
  const pin = async () => {
    const { app } = (await bench.lock()).sources;
    assert.ok(app && 'rev' in app, 'it is not in the lock');
    return app;
  };
  return { bench, repo, want, pin };
}

async function refusal(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  return [error.message, ...(error.details.evidence ?? [])].join('\n');
}

test('the commit of a branch, and the hash of its files', async context => {
  const { bench, repo, want, pin } = await setUp(context);
  const first = await repo.commit('main.py', 'print(1)\n');
  await want('main');
  await bench.run();
  const expected = join(bench.folder, 'expected');
  await mkdir(expected);
  await writeFile(join(expected, 'main.py'), 'print(1)\n');
  assert.deepEqual(await pin(), {
    url: repo.url,
    ref: 'main',
    rev: first,
    hash: await narHash(expected),
    digest: 'download',
  });
  assert.deepEqual(await bench.run({ verify: true }), { changed: false, changes: '' });
  const second = await repo.commit('main.py', 'print(2)\n');
  const { changes } = await bench.run();
  assert.equal(changes, `- \`app\`: ${first.slice(0, 12)} → ${second.slice(0, 12)} (main)`);
  assert.equal((await pin()).rev, second);
});

test('links and executable files count, and the settings of the machine do not', async context => {
  const { bench, repo, want, pin } = await setUp(context);
  const expected = join(bench.folder, 'expected');
  await mkdir(expected);
  for (const folder of [join(bench.folder, 'repository'), expected]) {
    await writeFile(join(folder, 'run'), '#!/bin/sh\r\n');
    await chmod(join(folder, 'run'), 0o755);
    await symlink('run', join(folder, 'link'));
  }
  await repo.commit('.gitattributes', 'text.txt eol=lf\n');
  await writeFile(join(expected, '.gitattributes'), 'text.txt eol=lf\n');
  await writeFile(join(bench.folder, '.gitconfig'), '[core]\nautocrlf = true\nsymlinks = false\n');
  await want('main');
  await bench.run();
  assert.equal((await pin()).hash, await narHash(expected));
});

test('an annotated tag is the commit that it points at; a moved one is an error', async context => {
  const { bench, repo, want, pin } = await setUp(context);
  const first = await repo.commit('main.py', '1\n');
  await repo.git('tag', '--annotate', '--message', 'one', 'v1');
  await want('v1');
  await bench.run();
  assert.equal((await pin()).rev, first);
  const text = await bench.lockText();
  const second = await repo.commit('main.py', '2\n');
  await repo.git('tag', '--force', 'v1');
  const said = await refusal(bench.run());
  assert.match(said, /^The tag v1 of file:.* was moved\. The lock was left as it is\./);
  assert.ok(said.includes(`the lock has ${first}, the tag is ${second} now`));
  assert.equal(await bench.lockText(), text);
});

test('what is where the lock has it is not fetched; what cannot be reached stays', async context => {
  const { bench, repo, want, pin } = await setUp(context);
  const rev = await repo.commit('main.py', '1\n');
  await want('main');
  await bench.run();
  const { hash } = await pin();
  const copied = (await bench.lockText()).replace(hash, `sha256-${'A'.repeat(43)}=`);
  await writeFile(bench.lockFile, copied);
  await bench.run();
  assert.equal(await bench.lockText(), copied, 'the same commit was fetched again');
  assert.match(await refusal(bench.run({ verify: true })), /app: expected sha256-AAA.*, found sha/);
  await repo.git('init', '--quiet');
  await runProgram('mv', [join(bench.folder, 'repository'), join(bench.folder, 'gone')]);
  await bench.run();
  assert.match(
    bench.said('warning'),
    /cannot be fetched by git\. What the lock has stays as it is: app/,
  );
  assert.equal((await pin()).rev, rev);
});

test('a reference that is not there is an error, and so is an address that runs programs', async context => {
  const { bench, repo, want } = await setUp(context);
  await repo.commit('main.py', '1\n');
  await want('v9');
  assert.match(
    await refusal(bench.run()),
    /has no branch or tag v9, which the source app is to be/,
  );
  await bench.want(
    'cuda = ["cu130"]\npython = ["3.12"]\n[sources.app]\nurl = "ext::sh -c id"\nref = "x"\n',
  );
  assert.match(await refusal(bench.run()), /:4: sources\.app\.url: expected a Git address/);
});
