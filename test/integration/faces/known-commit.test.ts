// A workflow's run of a commit that was built before, on a runner without Nix.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { flakeSource } from '../../../src/nix/flake-source.ts';
import { hostWithPrograms } from '../../tools/host.ts';
import { storeOn } from '../../tools/opened-store.ts';
import { startRegistry } from '../../tools/registry.ts';
import { pushCommit } from '../../tools/remembered-commit.ts';
import { startRunner } from '../../tools/runner.ts';

const file = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const wrapper = [file('test/tools/with-nix'), 'none', '--'];

/** A job whose commit is in the registry, as a run of it would have left it. */
async function job(context: TestContext) {
  const registry = await startRegistry();
  const store = storeOn(context, registry, 'comfy/demo');
  const runner = await startRunner();
  context.after(() => runner.dispose());
  const { workspace: folder, temp } = runner;
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], {
      cwd: folder,
    });
  await git('init', '--quiet');
  await writeFile(join(folder, 'flake.nix'), '{ outputs = _: { }; }\n');
  await git('add', '--all');
  await git('commit', '--quiet', '-m', 'one');
  const image = `${registry.address}/comfy/demo`;
  const places = { currentDirectory: folder, temporaryDirectory: temp };
  const settings = {
    ...parseBuild({ image }, { face: 'action', ...places }),
    repositoryLabels: { 'org.opencontainers.image.source': 'https://github.com/owner/comfy' },
  };
  const host = hostWithPrograms({ PATH: process.env.PATH });
  const source = (await flakeSource('.', folder, host)) ?? assert.fail();
  const { digest } = await pushCommit(store, { settings, source });
  return { runner, store, image, digest, source };
}

test('outputs and summary are those of any build, and nothing is left for later', async t => {
  const { runner, store, image, digest, source } = await job(t);
  const inputs = { image, tags: 'v1\nlatest', record: 'record.json', 'install-nix': 'none' };
  const env = { GITHUB_SHA: source.commit };
  const main = await runner.run(file('dist/main.js'), { inputs, env, wrapper });
  assert.equal(main.code, 0, main.log);
  const { name, ref, tags, layers } = main.outputs;
  assert.deepEqual([name, tags], [image, 'v1\nlatest']);
  const latest = (await store.getManifest('latest')) ?? assert.fail();
  assert.equal(ref, `${image}@${latest.digest}`);
  assert.notEqual(latest.digest, digest, 'it has the annotations of this run');
  const origins = JSON.parse(layers ?? '').map(({ origin }: { origin: string }) => origin);
  assert.deepEqual(origins, ['reused', 'reused', 'reused']);
  assert.match(main.log, /Commit [0-9a-f]{12} was built before/);
  assert.match(main.summary, /\| `layer0` \| reused \|/);
  assert.deepEqual([main.path, Object.keys(main.env)], [[], []]);
  const post = await runner.run(file('dist/post.js'), { state: main.state, wrapper });
  assert.deepEqual([post.code, post.log], [0, '']);
});

test('code of a fork moves no tag, whatever is known of it', async t => {
  const { runner, store, image, source } = await job(t);
  const event = {
    name: 'pull_request_target',
    payload: { pull_request: { head: { repo: { full_name: 'somebody/comfy' } } } },
  };
  const inputs = { image, tags: 'v1', push: 'true', 'install-nix': 'none' };
  const env = { GITHUB_SHA: source.commit };
  const main = await runner.run(file('dist/main.js'), { inputs, env, event, wrapper });
  assert.equal(main.code, 1);
  assert.match(main.log, /No Nix/);
  assert.equal(await store.getManifest('v1'), undefined);
});
