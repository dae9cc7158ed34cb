import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyExample, run } from './hermetic-example.ts';
import { byLayer, freshMachine } from './machine.ts';

test('an OCI layout holds the image and the memory; a second run writes no blob', async context => {
  const example = await copyExample(context);
  const first = await freshMachine(context);
  const layout = join(first.home, 'image');
  const cold = await first.build(example, ['--image', `oci:${layout}`, '--tags', 'cu130,latest']);
  assert.equal(cold.code, 0, cold.stderr);
  const inspected = JSON.parse(await run('skopeo', ['inspect', `oci:${layout}:latest`])) as {
    Digest: string;
    Layers: string[];
  };
  assert.equal(inspected.Digest, cold.record?.image?.digest);
  assert.equal(inspected.Layers.length, 7);
  const blobs = await readdir(join(layout, 'blobs/sha256'));

  const second = await freshMachine(context);
  const warm = await second.build(example, ['--image', `oci:${layout}`, '--tags', 'cu130,latest']);
  assert.equal(warm.code, 0, warm.stderr);
  const { repository, digest } = warm.record?.image ?? {};
  assert.equal(warm.stdout.toString(), `${repository}@${digest}\n`);
  assert.match(String(digest), /^sha256:/);
  assert.equal(warm.record?.sentBytes, 0);
  assert.equal(byLayer(warm, layer => layer.origin)['layer5-perf'], 'reused');
  // nothing is in this store; sizes are known by the blobs
  assert.match(
    String(warm.record?.audit?.unchecked),
    /^Headers, compilers and derivations [^.]*\.$/,
  );
  assert.deepEqual(await readdir(join(layout, 'blobs/sha256')), blobs);
});

test('a store whose files are elsewhere than its paths say gives the same image', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const build = (folder: string, ...wrapper: string[]) =>
    machine.build(example, ['--image', `oci:${join(machine.home, folder)}`], { wrapper });
  const usual = await build('a');
  const config = `NIX_CONFIG=store = ${join(machine.home, 'chroot')}`;
  const elsewhere = await build('b', 'env', config);
  assert.equal(elsewhere.code, 0, elsewhere.stderr);
  assert.doesNotMatch(elsewhere.stderr, /warning: (?!Caches)/);
  assert.equal(byLayer(elsewhere, layer => layer.origin)['layer0-base'], 'built');
  assert.equal(elsewhere.record?.image?.digest, usual.record?.image?.digest);
});

test('labels are part of the image, annotations of the manifest alone', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const build = (folder: string, ...args: string[]) =>
    machine.build(example, ['--image', `oci:${join(machine.home, folder)}`, ...args]);
  const plain = await build('a', '--labels', 'org.example.team=images');
  const annotated = await build(
    'b',
    '--labels',
    'org.example.team=images',
    '--annotations',
    'revision=2',
  );
  assert.equal(annotated.code, 0, annotated.stderr);
  // without a tag: the memory is no second image of the layout
  const config = async (folder: string) =>
    run('skopeo', ['inspect', '--config', '--raw', `oci:${join(machine.home, folder)}`]);
  assert.match(await config('a'), /"org\.example\.team":"images"/);
  assert.equal(await config('a'), await config('b'));
  assert.notEqual(plain.record?.image?.digest, annotated.record?.image?.digest);
});

test('what only config and root refer to forms a layer of its own', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const image = join(example.folder, 'image.nix');
  await run('sed', ['-i', 's|"LANG=C.UTF-8"|("README=" + ./README.md)|', image]);
  const result = await machine.build(example, ['--image', `oci:${join(machine.home, 'image')}`]);
  assert.equal(result.code, 0, result.stderr);
  const blobs = byLayer(result, layer => layer.blobs.length);
  assert.equal(blobs.references, 1);
  const unpacked = join(machine.home, 'unpacked');
  await run('skopeo', ['copy', '-q', `oci:${machine.home}/image:cu130`, `dir:${unpacked}`]);
});

test('layers are split, and never into more blobs than an engine takes', async context => {
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const packages = Array.from({ length: 40 }, (_, at) => `package${at}==1.${at}`);
  await writeFile(join(example.folder, 'deps.txt'), `${packages.join('\n')}\n`);
  const image = ['--image', `oci:${join(machine.home, 'image')}`];
  const args = [...image, '--max-layer-size', '64'];
  const split = await machine.build(example, args, {
    wrapper: ['env', 'NIX_CONFIG=sandbox = false'],
  });
  assert.equal(split.code, 0, split.stderr);
  const blobs = byLayer(split, layer => layer.blobs.length);
  const total = Object.values(blobs).reduce((sum, count) => sum + count, 0);
  assert.ok(total <= 125 && Number(blobs['layer4-deps']) > 9, JSON.stringify(blobs));
});
