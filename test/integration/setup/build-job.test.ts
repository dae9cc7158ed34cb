import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AfterState } from '../../../src/commands/outcome.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import { type PhaseResult, runFolder } from '../../tools/runner.ts';
import { copyExample, type Example, system } from '../build/hermetic-example.ts';
import { cachedNames } from './binary-caches.ts';
import { type HostedRunner, hostedRunner, type Job } from './hosted-runner.ts';
import { assertNoSecret, assertPrivate, filesWith, modeOf, watchProcesses } from './secrets.ts';
import { buildInputs, everyCache, hiddenTexts, startServices } from './services.ts';

/** Names of the derivations that a run has built, by layer. */
async function builtIn({ workspace }: HostedRunner): Promise<Record<string, string[]>> {
  const text = await readFile(join(workspace, 'record.json'), 'utf8');
  const { layers } = JSON.parse(text) as BuildRecord;
  const built = layers.map(({ name, builtDerivations }) => {
    const names = builtDerivations.map(({ derivation }) => derivation.slice(44, -'.drv'.length));
    return [name, names.sort()] as const;
  });
  return Object.fromEntries(built.filter(([, names]) => names.length > 0));
}

async function replace(example: Example, file: string, from: string, to: string): Promise<void> {
  const path = join(example.folder, file);
  const text = await readFile(path, 'utf8');
  assert.ok(text.includes(from), `${file} does not have ${from}`);
  await writeFile(path, text.replace(from, to));
}

const githubState = ({ state }: PhaseResult) =>
  (JSON.parse(state.after ?? '{}') as AfterState).github;

const warningsIn = ({ log }: PhaseResult) =>
  log.split('\n').filter(line => line.startsWith('::warning'));

test('runs of a workflow: each builds what no run before it has built', async t => {
  const runner = await hostedRunner(t);
  const all = await startServices(t);
  const example = await copyExample(t);
  const { nginx, github, cachix, secrets, env } = all;

  await t.test('the first on another machine; caches get all of it, nobody a secret', async () => {
    const inputs = { ...buildInputs(example, all, 'comfy/one'), ...everyCache(all) };
    const job: Job = { inputs, env, token: secrets.github };
    const watch = watchProcesses();
    t.after(watch.stop);
    const main = await runner.main(job);
    const hidden = hiddenTexts(all);
    const kept = filesWith(hidden, [runner.root]);
    for (const file of kept) {
      assert.equal(modeOf(file), '600', file);
      assert.ok(file.startsWith(runFolder(runner.temp, main)), file);
    }
    const post = await runner.post(main, job);
    const seen = await watch.stop();
    assert.equal(main.code, 0, main.log);
    assert.equal(post.code, 0, post.log);
    assert.deepEqual([...warningsIn(main), ...warningsIn(post)], []);

    const built = Object.values(await builtIn(runner)).flat();
    assert.ok(built.includes('torch') && built.includes('layer6-app'), built.join());
    assert.match(main.log, /building \S*torch\S* on ssh-ng:\/\/root@127\.0\.0\.1/);
    const uploads = (await cachix.uploads()).map(({ path }) => path.slice(44));
    assert.deepEqual([...new Set(uploads)].sort(), built.sort());
    const inCache = await cachedNames(nginx.folder);
    for (const name of built) assert.ok(inCache.includes(name), `${name} is not in the cache`);

    assert.ok(kept.length > 0, 'the key for ssh is a file meanwhile');
    assert.deepEqual(filesWith(hidden, [runner.root]), []);
    assertPrivate(seen, hidden, runner.mark);
    for (const { words, env: known } of await cachix.calls()) {
      assert.deepEqual(
        Object.keys(known).filter(name => name.startsWith('INPUT_')),
        [],
        words[1],
      );
    }
    assertNoSecret(hidden, {
      ...{ 'the log': main.log, 'the log of post': post.log, 'the summary': main.summary },
      'what later steps get': JSON.stringify([main.state, main.env, main.outputs, main.path]),
      'the record': await readFile(join(runner.workspace, 'record.json'), 'utf8'),
    });
  });

  await t.test('the second, elsewhere, builds what has changed and nothing else', async () => {
    const before = github.keys();
    assert.equal(before.filter(key => key.startsWith('comfy-nix-evaluation-')).length, 1);
    await replace(example, 'deps.txt', 'kornia==0.8.2', 'kornia==0.8.3');
    const job = { inputs: buildInputs(example, all, 'comfy/two'), env };
    const { main, post } = await runner.job(job);
    assert.equal(main.code, 0, main.log);
    assert.equal(post.code, 0, post.log);
    assert.deepEqual(await builtIn(runner), { 'layer4-deps': ['kornia-0.8.3', 'layer4-deps'] });
    assert.equal(githubState(main)?.evaluation, undefined, 'Nix’s caches came from GitHub’s');
    const saved = github.keys().slice(before.length);
    assert.deepEqual(
      saved.map(key => key.replace(/-[a-z0-9]{32}$/, '')),
      [`comfy-nix-${system}-layer4-deps`],
    );
  });

  await t.test('one that fails on a later layer leaves to the next what it has built', async () => {
    await replace(example, 'deps.txt', 'kornia==0.8.3', 'kornia==0.8.4');
    const good = `''cp -r "$app" "$out"''`;
    await replace(example, 'layers.nix', good, `''echo no such header; exit 3''`);
    const job = { inputs: buildInputs(example, all, 'comfy/three'), env };
    const failed = await runner.job(job);
    assert.equal(failed.main.code, 1, failed.main.log);
    assert.match(failed.main.log, /no such header/);
    assert.equal(failed.post.code, 0, failed.post.log);

    await replace(example, 'layers.nix', `''echo no such header; exit 3''`, good);
    const next = await runner.job({ ...job, inputs: buildInputs(example, all, 'comfy/four') });
    assert.equal(next.main.code, 0, next.main.log);
    assert.deepEqual(await builtIn(runner), {});
  });

  await t.test('what the registry holds and a later layer is built from, comes back', async () => {
    await replace(example, 'deps.txt', 'kornia==0.8.4', 'kornia==0.8.5');
    const { main } = await runner.job({ inputs: buildInputs(example, all, 'comfy/four'), env });
    assert.equal(main.code, 0, main.log);
    assert.deepEqual(await builtIn(runner), { 'layer4-deps': ['kornia-0.8.5', 'layer4-deps'] });
  });
});
