import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPodman } from '../../tools/podman.ts';
import { startRegistry } from '../../tools/registry.ts';
import { copyExample, run } from './hermetic-example.ts';
import { freshMachine } from './machine.ts';

/** What the example's entry point prints when it has found a part of every layer. */
const ready = /^ComfyUI 0\.38\.0 ready on Hermetic example 1: .*torch 2\.10\.0\+cu130/m;

test('a container engine pulls and runs the image, in each compression', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const podman = startPodman(registry.address);
  context.after(() => podman.dispose());
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  for (const compression of ['zstd', 'gzip']) {
    const image = `${registry.address}/comfy/${compression}`;
    const built = await machine.build(example, ['--image', image, '--compression', compression]);
    assert.equal(built.code, 0, built.stderr);
    assert.match(await podman.run('run', '--rm', '--network=none', `${image}:cu130`), ready);
  }
  const shell = ['run', '--rm', '--network=none', '--entrypoint', '/bin/sh'];
  const image = `${registry.address}/comfy/zstd:cu130`;
  const look = 'ls -ld /tmp /etc /home/comfy && echo x > /tmp/x && id -u';
  const seen = await podman.run(...shell, image, '-c', look);
  assert.match(seen, /^drwxrwxrwt .* \/tmp$/m);
  assert.match(seen, /^drwxr-xr-x .* \/etc$/m);
  assert.match(seen, /^1000$/m);
});

test('a docker-archive, in a file and on standard output, is loaded and runs', async context => {
  const podman = startPodman('127.0.0.1:5000');
  context.after(() => podman.dispose());
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const file = join(machine.home, 'image.tar');
  const toFile = await machine.build(example, ['--image', `docker-archive:${file}`]);
  assert.equal(toFile.code, 0, toFile.stderr);
  const toPipe = await machine.build(example, ['--image', '-']);
  assert.equal(toPipe.code, 0, toPipe.stderr);
  const piped = join(machine.home, 'piped.tar');
  await writeFile(piped, toPipe.stdout);
  assert.equal(
    await run('sha256sum', [file]).then(hash),
    await run('sha256sum', [piped]).then(hash),
  );
  await podman.run('load', '--input', file);
  assert.match(await podman.run('run', '--rm', '--network=none', 'comfyui:cu130'), ready);
});

const hash = (line: string) => line.split(' ')[0];
