import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { layoutStore } from '../../../src/registry/layout.ts';
import { quietHost } from '../../tools/host.ts';
import { runFolder, startRunner } from '../../tools/runner.ts';
import { pushImage } from '../../tools/test-image.ts';
import { commandsIn } from '../../tools/workflow-commands.ts';

const source = (path: string) => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));
const entry = source('cli/main.ts');

/** A folder for temporary files, and an image to copy: with the lines that a copy prints. */
async function bench(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'outputs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const temp = join(folder, 'temp');
  await mkdir(temp);
  await pushImage(layoutStore(join(folder, 'image'), quietHost()), [], ['demo']);
  const env = { ...process.env, TMPDIR: temp, RUNNER_TEMP: '', GITHUB_ACTIONS: '' };
  const copy = [entry, 'copy', 'oci:image:demo', 'oci:copied:demo'];
  return { folder, temp, env, copy };
}

/** The folder of a Nix that does not answer before the test is over. */
async function slowNix(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'nix'), '#!/bin/sh\nexec sleep 5\n', { mode: 0o755 });
  await writeFile(join(bin, 'nix-store'), '', { mode: 0o755 });
  return bin;
}

test('help ends well when nobody reads it', async () => {
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-c', `"$0" "$1" build --help | head -n 1; echo "\${PIPESTATUS[*]}"`, process.execPath, entry],
    { encoding: 'utf8' },
  );
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^Usage: comfy-nix build.*\n0 0\n$/);
});

test('help that cannot be written is one sentence, and exit code 1', async () => {
  const full = await open('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [entry, '--help'], {
    encoding: 'utf8',
    stdio: ['ignore', full.fd, 'pipe'],
  });
  await full.close();
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^comfy-nix: Standard output could not be written to: ENOSPC.*\nNext: .*\n$/,
  );
});

for (const [what, target] of [
  ['nobody reads', 'pipe'],
  ['cannot be written', '/dev/full'],
] as const) {
  test(`a run whose standard error ${what} does its work, and leaves nothing behind`, async t => {
    const { folder, temp, env, copy } = await bench(t);
    const file = target === 'pipe' ? undefined : await open(target, 'w');
    const child = spawn(process.execPath, copy, {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', file?.fd ?? 'pipe'],
    });
    child.stderr?.destroy();
    assert.equal(await new Promise(resolve => child.once('close', resolve)), 0);
    await file?.close();
    assert.match(readFileSync(join(folder, 'copied/index.json'), 'utf8'), /demo/);
    assert.deepEqual(await readdir(temp), []);
  });
}

test('a temporary folder that is gone, or cannot be written to, is one sentence', async t => {
  const { folder, env, copy } = await bench(t);
  await writeFile(join(folder, 'file'), '');
  for (const TMPDIR of [join(folder, 'none'), join(folder, 'file')]) {
    const { status, stderr } = spawnSync(process.execPath, copy, {
      cwd: folder,
      env: { ...env, TMPDIR },
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^comfy-nix: No temporary folder can be made in .*\nTried: .*TMPDIR.*\nNext: .*TMPDIR .*\n$/,
    );
  }
});

test('what a killed run has left is removed by the next one', async t => {
  const { folder, temp, env, copy } = await bench(t);
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'nix'), '#!/bin/sh\necho started >&2\nexec sleep 600\n', {
    mode: 0o755,
  });
  await writeFile(join(bin, 'nix-store'), '', { mode: 0o755 });
  const path = `${bin}:${process.env.PATH}`;
  const child = spawn(process.execPath, [entry, 'build', '--install-nix', 'none'], {
    cwd: folder,
    env: { ...env, PATH: path },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  child.stderr.once('data', () => process.kill(-(child.pid ?? 0), 'SIGKILL'));
  await new Promise(resolve => child.once('close', resolve));
  const [left = ''] = await readdir(temp);
  assert.match(left, /^comfy-nix-[0-9a-f]{16}$/);
  const { status } = spawnSync(process.execPath, copy, { cwd: folder, env });
  assert.equal(status, 0);
  assert.deepEqual(await readdir(temp), []);
});

/** Makes a process throw when it starts its first program, where nothing waits for it. */
const faulty = (how: string) => `
  import processes from 'node:child_process';
  import { syncBuiltinESMExports } from 'node:module';
  const { spawn } = processes;
  processes.spawn = (...command) => {
    setImmediate(() => { ${how} });
    return spawn(...command);
  };
  syncBuiltinESMExports();
`;

for (const how of ['throw new TypeError("x")', 'Promise.reject(new TypeError("x"))']) {
  test(`a fault in the background is told as one, without its stack: ${how}`, async t => {
    const { folder, env } = await bench(t);
    const PATH = `${await slowNix(folder)}:${process.env.PATH}`;
    const module = join(folder, 'faulty.mjs');
    await writeFile(module, faulty(how));
    const args = ['--import', module, entry, 'build', '--install-nix', 'none'];
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      env: { ...env, PATH },
      encoding: 'utf8',
    });
    assert.equal(status, 1, stderr);
    assert.match(
      stderr,
      /^comfy-nix: This is a fault of comfy-nix: TypeError: x\nNext: Report it/m,
    );
    assert.doesNotMatch(stderr, /\n\s+at /);

    const runner = await startRunner();
    t.after(() => runner.dispose());
    const main = await runner.run(source('action/main.ts'), {
      inputs: { image: 'oci:image', 'install-nix': 'none' },
      env: { PATH, NODE_OPTIONS: `--import=${module}` },
    });
    assert.equal(main.code, 1, main.log);
    const [error] = commandsIn(main.log).filter(({ name }) => name === 'error');
    assert.match(error?.data ?? '', /^This is a fault of comfy-nix: TypeError: x\n/, main.log);
    assert.doesNotMatch(main.log, /(\n|%0A)\s+at /);
    assert.equal((await runner.run(source('action/post.ts'), { state: main.state })).code, 0);
    assert.deepEqual(await readdir(join(runFolder(runner.temp, main), '..')), []);
  });
}
