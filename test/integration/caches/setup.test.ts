import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { watchSignatures } from '../../../src/caches/signatures.ts';
import { prepareNix } from '../../../src/commands/setup/prepare.ts';
import type { SetupSettings } from '../../../src/inputs/settings.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseSetup } from '../../../src/inputs/verbs/setup.ts';
import { isAtLeast, runNix } from '../../../src/nix/nix.ts';
import { realise } from '../../../src/nix/realise.ts';
import type { DerivationOutput, Nix } from '../../../src/nix/types.ts';
import { startTcpProxy } from '../../tools/faulty-proxy.ts';
import { startNginx } from '../../tools/nginx.ts';
import { runFolder, startRunner } from '../../tools/runner.ts';
import { workbench } from '../nix/workbench.ts';
import { newSecret, watchProcesses } from '../setup/secrets.ts';

/** Where runs and tests have their files; a run finds its settings here alone. */
function settingsFor(folder: string, raw: RawInputs): SetupSettings {
  return parseSetup(
    { 'cuda-caches': 'false', ...raw },
    { face: 'action', currentDirectory: folder, temporaryDirectory: folder },
  );
}

async function must(nix: Nix, program: 'nix' | 'nix-store', ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runNix(nix, program, args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

async function newKey(nix: Nix, name: string) {
  const secret = await must(nix, 'nix', 'key', 'generate-secret', '--key-name', name);
  const { stdout } = await nix.host.run({
    file: join(nix.bin, 'nix'),
    args: ['key', 'convert-secret-to-public'],
    env: nix.env,
    stdin: secret,
    limit: 'none',
  });
  return { secret, publicKey: stdout.trim() };
}

/** A cache behind nginx that has an output which is neither in the store nor quick to build. */
async function signedCache(t: TestContext) {
  const { nix, folder, emitted } = await workbench(t);
  const server = await startNginx({ readOnly: true });
  t.after(server.stop);
  const drvPath = await instantiate(nix, folder, 'echo x > $out');
  const outPath = await must(nix, 'nix-store', '--realise', drvPath);
  const { secret, publicKey } = await newKey(nix, 'test-1');
  await writeFile(join(folder, 'key'), secret, { mode: 0o600 });
  await must(
    nix,
    'nix',
    'copy',
    '--to',
    `file://${server.folder}?secret-key=${folder}/key`,
    outPath,
  );
  await must(nix, 'nix-store', '--delete', outPath);
  const output: DerivationOutput = { drvPath, outputName: 'out', outPath };
  const warnings = () => emitted.flatMap(e => (e.type === 'warning' ? [e.message] : []));
  return { nix, folder, url: `http://${server.address}`, publicKey, output, warnings };
}

/** A derivation that a static shell makes, not built yet; names that no other test has built. */
async function instantiate(nix: Nix, folder: string, script: string): Promise<string> {
  const shell = join(folder, 'shell');
  await mkdir(shell, { recursive: true });
  await copyFile('/bin/busybox', join(shell, 'busybox'));
  const name = `setup-${process.pid}-${Math.random().toString(36).slice(2)}`;
  return must(
    nix,
    ...(['nix', 'eval', '--raw', '--impure', '--expr'] as const),
    `(derivation { name = "${name}"; system = builtins.currentSystem;
       builder = "\${${shell}}/busybox"; args = [ "sh" "-c" "${script}" ]; }).drvPath`,
  );
}

/** Realises the output, and says what Nix did for it. */
async function realised(nix: Nix, output: DerivationOutput, folder: string, keys: string[] = []) {
  const watch = watchSignatures(keys, nix.host);
  const done: string[] = [];
  await realise(nix, [output], {
    rootsDirectory: join(folder, 'roots'),
    onEvent: event => {
      if (event.type === 'build-start') done.push('built');
      if (event.type === 'substitute-start') done.push('substituted');
      if (event.type === 'message') watch.hear(event.text);
    },
  });
  await watch.settled();
  return done;
}

test('a signed cache is used, beside one that never answers, which is named', async t => {
  const { nix, folder, url, publicKey, output, warnings } = await signedCache(t);
  const hole = await startTcpProxy('127.0.0.1:1', () => ({ blackHole: true }));
  t.after(hole.stop);
  const settings = settingsFor(folder, {
    'extra-substituters': `http://${hole.address}\n${url}`,
    'extra-trusted-public-keys': publicKey,
  });
  const prepared = await prepareNix(settings, nix.host);
  assert.deepEqual(warnings(), [
    `Caches that cannot be used are left out: http://${hole.address} (no answer in 5 s).`,
  ]);
  assert.deepEqual(await realised(prepared.nix, output, folder), ['substituted']);
});

test('Nix is asked for version and settings at once, and for these after; no more', async t => {
  const { nix, folder } = await workbench(t);
  const asked: string[] = [];
  const run: typeof nix.host.run = command => {
    if (command.file.includes('/nix')) asked.push(command.args.join(' '));
    return nix.host.run(command);
  };
  const settings = settingsFor(folder, { 'install-nix': 'none' });
  await prepareNix(settings, { ...nix.host, run });
  const show = isAtLeast(nix.version, '2.20') ? 'config show' : 'show-config';
  const question = (command: string) =>
    `--extra-experimental-features nix-command ${command} --json`;
  assert.deepEqual(asked.slice(0, 2).sort(), ['--version', question('show-config')].sort());
  assert.deepEqual(asked.slice(2), [question(show)]);
});

test('later steps of the job find the same settings by what is exported', async t => {
  const { nix, folder, url, publicKey, output } = await signedCache(t);
  const settings = settingsFor(folder, {
    'extra-substituters': url,
    'extra-trusted-public-keys': publicKey,
    'access-tokens': 'git.example=hunter2',
    'nix-conf': 'keep-going = true',
  });
  const { exports } = await prepareNix(settings, nix.host);
  const later = { ...nix, env: { ...exports.env } };
  await must(later, 'nix-store', '--realise', output.outPath);
  const shown = await must(later, 'nix', 'show-config');
  assert.match(shown, /^keep-going = true$/m);
  assert.match(shown, /^access-tokens = +git\.example=hunter2$/m);
  assert.ok(!(await readFile(join(folder, 'comfy-nix.conf'), 'utf8')).includes('hunter2'));
});

test('a cache with another key is told with both names, and the path is built', async t => {
  const { nix, folder, url, output, warnings } = await signedCache(t);
  const other = await newKey(nix, 'other-1');
  const settings = settingsFor(folder, {
    'extra-substituters': url,
    'extra-trusted-public-keys': other.publicKey,
  });
  const prepared = await prepareNix(settings, nix.host);
  const done = await realised(prepared.nix, output, folder, [...prepared.trustedKeys]);
  assert.deepEqual(done, ['built']);
  const [warning = ''] = warnings();
  assert.match(warning, /signed by test-1, and trusted are .*other-1/);
  assert.ok(warning.includes(url), warning);
});

test('setup as an action: what later steps build is pushed by post, and no secret is seen', async t => {
  const { nix, folder } = await workbench(t);
  const runner = await startRunner();
  t.after(() => runner.dispose());
  const { secret } = await newKey(nix, 'push-1');
  // all processes are looked at, and some are no part of this test
  const [access, token] = [newSecret('access'), newSecret('github')];
  const cache = join(folder, 'cache');
  const inputs = {
    command: 'setup',
    'cuda-caches': 'false',
    'install-nix': 'none',
    'access-tokens': `git.example=${access}`,
    'binary-caches': `file://${cache}`,
    'binary-cache-signing-key': secret,
  };
  const watching = watchProcesses();
  t.after(watching.stop);
  const phase = (name: string) =>
    fileURLToPath(new URL(`../../../src/action/${name}.ts`, import.meta.url));
  const main = await runner.run(phase('main'), { inputs, token });
  assert.equal(main.code, 0, main.log);
  const step = { ...nix, env: main.env };
  const drvPath = await instantiate(step, folder, 'echo later > $out');
  const outPath = await must(step, 'nix-store', '--realise', drvPath);
  const post = await runner.run(phase('post'), { inputs, state: main.state, env: main.env });
  assert.equal(post.code, 0, post.log);
  const seen = (await watching.stop()).map(({ words }) => words);
  const narinfo = await readFile(join(cache, `${outPath.slice(11, 43)}.narinfo`), 'utf8');
  assert.match(narinfo, /^Sig: push-1:/m);
  const hidden = [main.log, post.log].join('\n').replaceAll(/^::add-mask::.*$/gm, '');
  const texts = [hidden, ...seen, JSON.stringify([main.state, main.env, main.outputs])];
  for (const text of texts) {
    for (const each of [access, token, secret.slice(-40)]) assert.ok(!text.includes(each), text);
  }
  assert.ok(
    seen.some(line => line.includes('copy --to')),
    'ps saw the push',
  );
  const folderOfMain = runFolder(runner.temp, main);
  await assert.rejects(readFile(join(folderOfMain, 'comfy-nix.conf')), { code: 'ENOENT' });
});
