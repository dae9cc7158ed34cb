import assert from 'node:assert/strict';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { layers, type SmallProject, smallProject } from './layered-project.ts';
import { build, closureOf, nameOf, run, temporaryFolder, withStandIn } from './stand-in.ts';

const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

const shipped = layers.filter(name => name !== 'layer2-wheels');

test('templates/layered, built', async context => {
  const project = await smallProject(context);
  const check = (
    name: string,
    what: (project: SmallProject, context: TestContext) => Promise<void>,
  ) => context.test(name, inner => what(project, inner));
  await check('by Nix alone: the targets are the boundaries of the layers', boundaries);
  await check('libraries find each other, and pip is told nothing of CUDA', libraries);
  await check('build-incremental builds the layers in order, with a time for each', incremental);
  await check('comfy-nix builds an OCI layout of it', layout);
  await check('a wheel that is not what the lock says stops the build', mismatch);
});

/** What a streamLayeredImage is described by; its script names the file. */
async function confOf(script: string): Promise<{ store_layers: string[][]; repo_tag: string }> {
  const file = /\/nix\/store\/[^ \n]*-conf\.json/.exec(await readFile(script, 'utf8'))?.[0] ?? '';
  return JSON.parse(await readFile(file, 'utf8'));
}

async function boundaries(project: SmallProject): Promise<void> {
  const targets = await build(project, shipped);
  const [image = ''] = await build(project, ['comfyui']);
  const conf = await confOf(image);
  assert.equal(conf.repo_tag, 'comfyui:cu130-py313');
  assert.equal(conf.store_layers.length, shipped.length + 1, 'one each, and the list of targets');

  const below = new Set<string>();
  for (const [at, target] of targets.entries()) {
    const closure = await closureOf(target);
    assert.deepEqual(conf.store_layers[at], [...closure.difference(below)].sort(), shipped[at]);
    for (const path of closure) below.add(path);
  }
  assert.deepEqual(conf.store_layers.at(-1)?.map(nameOf), ['image-layers']);
  const downloads = [...below].filter(path => path.endsWith('.whl'));
  assert.deepEqual(downloads, [], 'what was downloaded is not shipped');
}

async function libraries(project: SmallProject): Promise<void> {
  const [pytorch = '', base = ''] = await build(project, ['layer3-pytorch', 'layer0-base']);
  const site = join(pytorch, 'opt/python/pytorch');
  const library = join(site, 'torch/lib/libtorch_cuda.so');
  const rpath = await run('patchelf', ['--print-rpath', library]);
  const folders = rpath.trim().split(':').map(nameOf).sort();
  assert.deepEqual(folders, ['cuda_cudart-13.0/lib', 'libcublas-13.0/lib']);

  const info = (await readdir(site)).find(name => /^torch-.*\.dist-info$/.test(name)) ?? '';
  const metadata = await readFile(join(site, info, 'METADATA'), 'utf8');
  assert.match(metadata, /Requires-Dist: numpy/);
  assert.doesNotMatch(metadata, /nvidia|cuda-bindings/);

  const byName = await readdir(join(base, 'usr/local/cuda/lib64'));
  for (const name of ['libnvrtc.so.13', 'libcudnn.so.9', 'libcudnn_ops.so.9']) {
    assert.ok(byName.includes(name), name);
  }
  const clibraries = [...(await closureOf(base))].filter(path => nameOf(path).startsWith('glibc'));
  const loader = await readlink(join(base, 'lib64/ld-linux-x86-64.so.2'));
  assert.deepEqual(
    clibraries.map(path => `${path}/lib/ld-linux-x86-64.so.2`),
    [loader],
  );
}

async function incremental(project: SmallProject, context: TestContext): Promise<void> {
  const folder = await temporaryFolder(context, 'incremental');
  const flake = `path:${project.folder}`;
  const args = [`${flake}#build-incremental`, ...withStandIn(project), '--', 'cu130-py313'];
  const table = await run(
    'nix',
    [
      '--extra-experimental-features',
      'nix-command flakes',
      'run',
      ...args,
      ...withStandIn(project),
    ],
    { cwd: folder, env: { FLAKE: flake } },
  );
  const rows = [...table.matchAll(/^(\S+) +\d+ s$/gm)].map(([, name]) => name);
  assert.deepEqual(rows, [...layers, 'comfyui']);
  assert.match(await readlink(join(folder, 'result')), /-stream-comfyui$/);
}

async function layout(project: SmallProject, context: TestContext): Promise<void> {
  const folder = await temporaryFolder(context, 'layout');
  const record = join(folder, 'record.json');
  await run(process.execPath, [
    ...[program, 'build', `path:${project.folder}#comfyui`, '--image', `oci:${folder}/image`],
    ...['--override-inputs', `nixpkgs=path:${project.nixpkgs}`, '--record', record],
  ]);
  const { layers: built } = JSON.parse(await readFile(record, 'utf8'));
  const names = built.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, [...layers, 'root'], 'no layer for what the targets do not hold');
  const layout = `oci:${folder}/image:cu130-py313`;
  const image = JSON.parse(await run('skopeo', ['inspect', '--config', layout]));
  assert.deepEqual(image.config.Entrypoint, ['/opt/comfyui/entrypoint']);
}

async function mismatch({ folder, nixpkgs }: SmallProject): Promise<void> {
  const file = join(folder, 'wheels.lock.json');
  const lock = JSON.parse(await readFile(file, 'utf8'));
  const { torch, torchvision } = lock.wheels['x86_64-linux'].cu130.cp313;
  torch.hash = torchvision.hash.replace(/^sha256-..../, 'sha256-AAAA');
  await writeFile(file, JSON.stringify(lock));
  const built = build({ folder, nixpkgs }, ['layer3-pytorch']);
  await assert.rejects(built, /hash mismatch[\s\S]*torch-2\.13\.0\+cu130/);
}
