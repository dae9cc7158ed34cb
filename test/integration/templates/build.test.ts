import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { access, readdir, readFile, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decompress } from '../../../src/image/decompress.ts';
import { readTar } from '../../../src/image/tar-reader.ts';
import { layers, type SmallProject, smallProject } from './layered-project.ts';
import {
  build,
  closureOf,
  evaluate,
  nameOf,
  run,
  temporaryFolder,
  withStandIn,
} from './stand-in.ts';

const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

test('templates/layered, built', async context => {
  const project = await smallProject(context);
  const check = (
    name: string,
    what: (project: SmallProject, context: TestContext) => Promise<void>,
  ) => context.test(name, inner => what(project, inner));
  await check('by Nix alone: the layers are those of the recipe', boundaries);
  await check('wheels are as they came, and stand merged where programs look', merged);
  await check('build-incremental builds the layers in order, with a time for each', incremental);
  await check('comfy-nix builds an OCI layout of it', layout);
  await check('both make the same tree of links and folders', sameTree);
  await check('a wheel that is not what the lock says stops the build', mismatch);
});

test('templates/layered, built with Python 3.12', async context => {
  const project = await smallProject(context, {}, undefined, 'cp312');
  const [image = ''] = await build(project, ['comfyui-cu130-py312']);
  const { store_layers } = await confOf(image);
  const names = store_layers.flat().map(nameOf);
  const pythons = names.filter(name => /^python3/.test(name));
  assert.match(pythons.join(), /^python3-[\d.]+$/, 'of nixpkgs the interpreter alone');
  const folders = store_layers.at(-1)?.[0] ?? '';
  const site = join(folders, 'opt/python/dependencies');
  assert.match(await readlink(join(site, 'numpy/__init__.py')), /-numpy-[\d.]+\/numpy\//);
  assert.match(await readFile(join(site, 'sam2/__init__.py'), 'utf8'), /version/, 'built by pip');
  await access(join(folders, 'opt/python/bin/python3'));
});

interface Conf {
  store_layers: string[][];
  repo_tag: string;
  customisation_layer: string;
}

/** What a streamLayeredImage is described by; its script names the file. */
async function confOf(script: string): Promise<Conf> {
  const file = /\/nix\/store\/[^ \n]*-conf\.json/.exec(await readFile(script, 'utf8'))?.[0] ?? '';
  return JSON.parse(await readFile(file, 'utf8'));
}

async function boundaries(project: SmallProject): Promise<void> {
  const [image = ''] = await build(project, ['comfyui']);
  const conf = await confOf(image);
  const recipe = await recipeOf(project);
  assert.equal(conf.repo_tag, 'comfyui:cu130-py313');
  assert.deepEqual(
    recipe.map(({ name }) => name),
    layers,
  );
  assert.equal(conf.store_layers.length, layers.length + 1, 'one each, and links to all of them');

  const below = new Set<string>();
  for (const [at, { name, targets }] of recipe.entries()) {
    const closures = await Promise.all(targets.map(closureOf));
    const closure = new Set(closures.flatMap(each => [...each]));
    assert.deepEqual(conf.store_layers[at], [...closure.difference(below)].sort(), name);
    for (const path of closure) below.add(path);
  }
  assert.deepEqual(conf.store_layers.at(-1)?.map(nameOf), ['folders']);
  const downloads = [...below].filter(path => path.endsWith('.whl'));
  assert.deepEqual(downloads, [], 'what was downloaded is not shipped');
}

/** The recipe's layers, with the store paths of their targets. */
const recipeOf = (project: SmallProject) =>
  evaluate<{ name: string; targets: string[] }[]>(
    project,
    'comfyui.passthru.recipe',
    'recipe: map (l: { inherit (l) name; targets = map (t: t.outPath) l.targets; }) recipe.layers',
  );

async function merged(project: SmallProject): Promise<void> {
  const [image = ''] = await build(project, ['comfyui']);
  const folders = (await confOf(image)).store_layers.at(-1)?.[0] ?? '';
  const cuda = await readdir(join(folders, 'usr/local/cuda/lib64'));
  for (const name of ['libnvrtc.so.13', 'libcudnn.so.9', 'libcudnn_ops.so.9']) {
    assert.ok(cuda.includes(name), name);
  }
  const target = await readlink(join(folders, 'opt/python/bin/torchrun'));
  assert.match(target, /-torch-2\.14\.1\/bin\/torchrun$/);

  const site = join(folders, 'opt/python/pytorch');
  const rpath = await run('patchelf', ['--print-rpath', join(site, 'torch/lib/libtorch_cuda.so')]);
  assert.equal(rpath.trim(), '');
  const metadata = await readFile(join(site, 'torch-2.14.1.dist-info/METADATA'), 'utf8');
  assert.match(metadata, /Requires-Dist: nvidia-cublas/);
  const [compiled = ''] = await readdir(join(site, 'torch/__pycache__'));
  const code = await readFile(join(site, 'torch/__pycache__', compiled), 'latin1');
  assert.ok(code.includes('/opt/python/pytorch/torch/__init__.py'));
  assert.match(await readlink(join(site, 'torch/__init__.py')), /-torch-2\.14\.1\/torch\//);
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
  await buildLayout(project, join(folder, 'image'), ['--record', record]);
  const { layers: built } = JSON.parse(await readFile(record, 'utf8'));
  const names = built.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, [...layers, 'root'], 'no layer for what the targets do not hold');
  const layout = `oci:${folder}/image:cu130-py313`;
  const image = JSON.parse(await run('skopeo', ['inspect', '--config', layout]));
  assert.deepEqual(image.config.Entrypoint, ['/opt/comfyui/entrypoint']);
}

/** Has the program build an OCI layout. */
async function buildLayout(
  { folder, nixpkgs }: SmallProject,
  layout: string,
  more: readonly string[],
): Promise<void> {
  await run(process.execPath, [
    ...[program, 'build', `path:${folder}#comfyui`, '--image', `oci:${layout}`, ...more],
    ...['--override-inputs', `nixpkgs=path:${nixpkgs}`],
  ]);
}

async function sameTree(project: SmallProject, context: TestContext): Promise<void> {
  const [image = ''] = await build(project, ['comfyui']);
  const { customisation_layer } = await confOf(image);
  const alone = await treeOf(createReadStream(join(customisation_layer, 'layer.tar')));

  const layout = join(await temporaryFolder(context, 'layout'), 'image');
  await buildLayout(project, layout, []);
  const blobOf = (digest: string) => join(layout, 'blobs', digest.replace(':', '/'));
  const read = async (file: string) => JSON.parse(await readFile(file, 'utf8'));
  const { manifests } = await read(join(layout, 'index.json'));
  const top = (await read(blobOf(manifests[0].digest))).layers.at(-1);
  const built = await treeOf(decompress(createReadStream(blobOf(top.digest)), 'zstd', 'root'));

  assert.ok(alone.delete('etc/image-layers'), 'what keeps the store paths together');
  assert.ok(built.has('opt/python/pytorch/torch/__init__.py'));
  assert.ok(built.has('usr/local/cuda/lib64/libcudnn.so.9'));
  assert.deepEqual([...alone].sort(), [...built].sort());
}

/** What is found below / by the links of a layer: path → the file that it is in the end, or the folder's mode and owner. */
async function treeOf(tar: AsyncIterable<Buffer>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const add = async (path: string, file: string) => {
    const real = await realpath(file);
    if (!(await stat(real)).isDirectory()) found.set(path, real);
    else for (const name of await readdir(real)) await add(`${path}/${name}`, join(real, name));
  };
  for await (const { type, path, target, mode, uid, gid } of readTar(tar, 'root')) {
    const name = path.replace(/^(\.\/)+/, '');
    if (type === 'symlink') await add(name, target);
    else if (type === 'directory' && name !== '.')
      found.set(name, `${mode & 0o7777} ${uid}:${gid}`);
  }
  return found;
}

async function mismatch({ folder, nixpkgs }: SmallProject): Promise<void> {
  const file = join(folder, 'wheels.lock.json');
  const lock = JSON.parse(await readFile(file, 'utf8'));
  const { torch, torchvision } = lock.wheels['x86_64-linux'].cu130.cp313;
  torch.hash = torchvision.hash.replace(/^sha256-..../, 'sha256-AAAA');
  torch.unpacked = torch.hash;
  await writeFile(file, JSON.stringify(lock));
  const built = build({ folder, nixpkgs }, ['layer3-pytorch']);
  await assert.rejects(built, /torch-2\.14\.1[\s\S]*its hash is sha256-.*, and not sha256-AAAA/);
}
