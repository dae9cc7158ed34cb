import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runFolder, startRunner } from '../../tools/runner.ts';

const source = (path: string) => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));

/** A Nix that says when it was started, and then takes longer than anyone waits. */
const bin = await mkdtemp(join(tmpdir(), 'slow-nix-'));
await writeFile(join(bin, 'nix'), '#!/bin/sh\necho started >&2\nexec sleep 600\n', { mode: 0o755 });
after(() => rm(bin, { recursive: true, force: true }));
const path = `${bin}:${process.env.PATH}`;

test('Ctrl-C ends the command line with 130, and nothing stays behind', async () => {
  const temp = await mkdtemp(join(tmpdir(), 'interrupt-'));
  const args = [source('cli/main.ts'), 'build', '--install-nix', 'none'];
  const child = spawn(process.execPath, args, {
    cwd: temp,
    env: { ...process.env, PATH: path, TMPDIR: temp, RUNNER_TEMP: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    if (text === '') child.kill('SIGINT');
    text += part;
  });
  const code = await new Promise(resolve => child.once('close', resolve));
  assert.equal(code, 130, text);
  assert.match(text, /comfy-nix: The run was interrupted\./);
  assert.deepEqual(await readdir(temp), []);
  await rm(temp, { recursive: true });
});

test('a cancelled job ends with 130, and post still cleans up', async () => {
  const runner = await startRunner();
  const main = await runner.run(source('action/main.ts'), {
    inputs: { image: 'oci:image', 'install-nix': 'none' },
    env: { PATH: path },
    onOutput: (pid, text) => {
      if (text.includes('Preparing Nix')) process.kill(pid, 'SIGINT');
    },
  });
  assert.equal(main.code, 130, main.log);
  assert.match(main.log, /^::error::The run was interrupted\./m);
  const folder = runFolder(runner.temp, main);
  assert.ok(existsSync(folder));
  assert.equal((await runner.run(source('action/post.ts'), { state: main.state })).code, 0);
  assert.ok(!existsSync(folder));
  await runner.dispose();
});
