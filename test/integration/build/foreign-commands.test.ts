import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startRegistry } from '../../tools/registry.ts';
import { type PhaseOptions, type PhaseResult, runFolder, startRunner } from '../../tools/runner.ts';
import { commandsIn, withoutMasks } from '../../tools/workflow-commands.ts';
import { copyExample } from './hermetic-example.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const phase = (name: string) => path(`../../../dist/${name}.js`);

/** The code is a fork's, and the workflow has secrets all the same. */
const event: NonNullable<PhaseOptions['event']> = {
  name: 'pull_request_target',
  payload: { pull_request: { head: { repo: { full_name: 'somebody/comfy' } } } },
};

const secrets = ['hunter2hunter2', 'ghs_token'];

/** A job that builds an attribute of the flake that tries to give commands. */
async function foreignJob(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const runner = await startRunner();
  t.after(() => runner.dispose());
  const { busybox } = await copyExample(t);
  const flake = join(runner.workspace, 'flake');
  await cp(path('../../flakes/commands'), flake, { recursive: true });
  const options = (attribute: string): PhaseOptions => ({
    event,
    token: 'ghs_token',
    inputs: {
      flake: `path:${flake}#${attribute}`,
      'override-inputs': `busybox=path:${busybox}`,
      image: `${registry.address}/comfy/fork`,
      'registry-username': 'user',
      'registry-password': 'hunter2hunter2',
      'cuda-caches': 'false',
    },
  });
  const main = (attribute: string) => runner.run(phase('main'), options(attribute));
  const post = (state: Record<string, string>, env: Record<string, string> = {}) =>
    runner.run(phase('post'), { ...options('plain'), state, env });
  return { runner, registry, main, post };
}

/** What the runner did: nothing that the flake said, whichever way it said it. */
function assertHarmless({ log, state, env, path, outputs, summary }: PhaseResult): void {
  for (const { name, data } of commandsIn(log)) {
    assert.ok(
      ['add-mask', 'group', 'endgroup', 'warning', 'error'].includes(name),
      `${name} ${data}`,
    );
    if (name === 'add-mask') assert.ok(secrets.includes(data), data);
    assert.doesNotMatch(data, /^\S*PWN\b/);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be printed
  assert.doesNotMatch(log, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  assert.deepEqual(Object.keys(state), ['run']);
  assert.match(state.run ?? '', /^[0-9a-f]{16}$/);
  // nothing, where evaluation fails before the set-up beside it has ended
  assert.deepEqual(
    [{ NIX_USER_CONF_FILES: '', ...env }, path],
    [{ NIX_USER_CONF_FILES: env.NIX_USER_CONF_FILES ?? '' }, []],
  );
  assert.ok(!('PWN' in outputs));
  assert.doesNotMatch(summary, /^(::|\s*PWN)/m);
  for (const secret of secrets) {
    assert.ok(!summary.includes(secret));
    assert.ok(!log.replaceAll(/^::add-mask::.*$/gm, '').includes(secret));
  }
}

test('names, licences, logs and errors of a flake give the runner no command', async t => {
  const { runner, registry, main, post } = await foreignJob(t);
  const expected: Record<string, [code: number, said: RegExp]> = {
    comfyui: [1, /^::error::\S*#comfyui\.name: expected a name as Nix allows it.*found a string/m],
    text: [1, /^::error::\S*#text\.outputName: expected a name as Nix allows it/m],
    failing: [1, /^::error::[\s\S]*evil/m],
    plain: [0, /^img> ::error::LOG-PWN\nimg> ##\\\[error\]OLD-PWN\nimg> \S*::error::CR-PWN$/m],
    traced: [0, /^img: local$/m],
  };
  for (const [attribute, [code, said]] of Object.entries(expected)) {
    await t.test(attribute, async () => {
      const result = await main(attribute);
      assertHarmless(result);
      assert.equal(result.code, code, result.log);
      assert.match(result.log, said);
      assert.match(result.summary, /somebody\/comfy|failed/);
      const end = await post(result.state);
      assert.deepEqual([end.code, withoutMasks(end.log), end.state], [0, '', {}]);
      assert.ok(!existsSync(runFolder(runner.temp, result)));
    });
  }
  const catalog = await fetch(`http://${registry.address}/v2/_catalog`);
  assert.deepEqual(await catalog.json(), { repositories: [] });
});

test('post runs no program and believes no file that a state names', async t => {
  const { runner, main, post } = await foreignJob(t);
  const planted = join(runner.workspace, 'bin');
  const mark = join(runner.workspace, 'was-run');
  await mkdir(planted);
  for (const name of ['nix', 'nix-store']) {
    await writeFile(join(planted, name), `#!/bin/sh\nenv > ${mark}\n`, { mode: 0o755 });
  }
  const nix = { bin: planted, storeDir: '/nix/store', version: '2.34.8' };
  const github = { limit: 1e9, nix, built: [], targets: [] };
  const after = JSON.stringify({ builtSince: 1, github });
  const { state } = await main('plain');
  const name = state.run ?? '';
  const elsewhere = join(runner.workspace, 'private');
  await mkdir(join(elsewhere, name), { recursive: true, mode: 0o700 });
  await writeFile(join(elsewhere, name, 'after.json'), after, { mode: 0o600 });
  const states: Record<string, string>[] = [
    { after, 'private-directory': elsewhere },
    { run: after },
    { run: join('..', '..', 'work', 'private', name), after },
    { run: '0123456789abcdef', after },
  ];
  for (const forged of states) {
    const { code, log } = await post(forged);
    assert.equal(code, 0, log);
    if (forged.run !== undefined)
      assert.match(log, /^::warning::What the step has left .*cannot be/m);
    assert.ok(!existsSync(mark), `${JSON.stringify(forged)} ran a program`);
  }
  assert.ok(existsSync(join(elsewhere, name, 'after.json')), 'files of others are left alone');
  assert.deepEqual(await readdir(join(runFolder(runner.temp, { state }), '..')), []);
});
