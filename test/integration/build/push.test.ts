import assert from 'node:assert/strict';
import { appendFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkImage } from '../../tools/check-image.ts';
import { startRegistry, type TestRegistry } from '../../tools/registry.ts';
import { copyExample, run } from './hermetic-example.ts';
import { byLayer, freshMachine, type Run } from './machine.ts';

const everyLayer = {
  'layer0-base': 'reused',
  'layer1-python': 'reused',
  'layer2-wheels': 'skipped',
  'layer3-pytorch': 'reused',
  'layer4-deps': 'reused',
  'layer5-perf': 'reused',
  'layer6-app': 'reused',
  root: 'reused',
};

async function registryFor(context: TestContext): Promise<TestRegistry> {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  return registry;
}

const origins = (result: Run) => byLayer(result, layer => layer.origin);

async function inspect(reference: string): Promise<{ Digest: string; Layers: string[] }> {
  return JSON.parse(await run('skopeo', ['inspect', '--tls-verify=false', reference]));
}

async function tagsOf(repository: string): Promise<string[]> {
  const list = await run('skopeo', ['list-tags', '--tls-verify=false', `docker://${repository}`]);
  return (JSON.parse(list) as { Tags: string[] }).Tags.sort();
}

/** Names of the store paths that a machine holds, without hashes. */
async function storeNames(nix: string): Promise<string[]> {
  const names = await readdir(join(nix, 'store'));
  return names.filter(name => /^[0-9a-z]{32}-/.test(name)).map(name => name.slice(33));
}

function succeeded(result: Run): void {
  assert.equal(result.code, 0, result.stderr);
}

test('an image is built and pushed, and a second run sends nothing', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const image = `${registry.address}/comfy/demo`;
  const args = ['--image', image, '--tags', 'cu130,latest'];

  const cold = await machine.build(example, args);
  succeeded(cold);
  assert.deepEqual(origins(cold), {
    'layer0-base': 'built',
    'layer1-python': 'built',
    'layer2-wheels': 'built',
    'layer3-pytorch': 'built',
    'layer4-deps': 'built',
    'layer5-perf': 'built',
    'layer6-app': 'built',
    root: 'built',
  });
  const digest = cold.record?.image?.digest;
  assert.equal((await inspect(`docker://${image}:cu130`)).Digest, digest);
  assert.equal((await inspect(`docker://${image}:latest`)).Digest, digest);
  assert.deepEqual(await tagsOf(image), ['cache-comfyui-cu130-amd64', 'cu130', 'latest']);
  assert.ok((cold.record?.sentBytes ?? 0) > 100_000);
  const seconds = byLayer(cold, layer => layer.seconds);
  assert.ok(Number(seconds['layer4-deps']) > 0, JSON.stringify(seconds));
  const derivations = byLayer(cold, layer => layer.builtDerivations.length);
  assert.ok(Number(derivations['layer4-deps']) >= 4, JSON.stringify(derivations));

  const memory = `docker://${image}:cache-comfyui-cu130-amd64`;
  const remembered = await run('skopeo', ['inspect', '--raw', '--tls-verify=false', memory]);
  const second = await machine.build(example, args);
  succeeded(second);
  assert.equal(second.record?.image?.digest, digest);
  assert.equal(second.record?.sentBytes, 0);
  const then = await run('skopeo', ['inspect', '--raw', '--tls-verify=false', memory]);
  assert.equal(then, remembered, 'nothing new was learnt');
  assert.deepEqual(origins(second), everyLayer);
});

test('a fresh machine builds only what has changed', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const args = ['--image', `${registry.address}/comfy/demo`];
  succeeded(await (await freshMachine(context)).build(example, args));

  await writeFile(join(example.folder, 'app/VERSION'), '0.39.0\n');
  const second = await freshMachine(context);
  const changedApp = await second.build(example, args);
  succeeded(changedApp);
  assert.deepEqual(origins(changedApp), { ...everyLayer, 'layer6-app': 'built', root: 'built' });
  const names = await storeNames(second.nix);
  assert.deepEqual(
    names.filter(name => /^(layer[0-5]|python|torch|flash)/.test(name) && !name.endsWith('.drv')),
    [],
    'nothing of the layers below was built or fetched',
  );

  await appendFile(join(example.folder, 'deps.txt'), 'spandrel==0.4.1\n');
  const changedDeps = await (await freshMachine(context)).build(example, args);
  succeeded(changedDeps);
  assert.deepEqual(
    { ...origins(changedDeps), 'layer2-wheels': 'any' },
    { ...everyLayer, 'layer2-wheels': 'any', 'layer4-deps': 'built', root: 'built' },
  );
});

test('two stores, one core and two give the same digest', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const digestOn = async (repository: string, wrapper: string[]) => {
    const machine = await freshMachine(context);
    const image = `${registry.address}/${repository}`;
    const result = await machine.build(example, ['--image', image], { wrapper });
    succeeded(result);
    return result.record?.image?.digest;
  };
  const one = await digestOn('one', ['taskset', '-c', '0']);
  const two = await digestOn('two', []);
  assert.match(String(one), /^sha256:/);
  assert.equal(one, two);
});

test('a blob that the registry has lost is made again', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const args = ['--image', `${registry.address}/comfy/demo`];
  const first = await machine.build(example, args);
  succeeded(first);
  const lost = first.record?.layers.find(layer => layer.name === 'layer3-pytorch')?.blobs[0];
  const hex = String(lost?.digest).slice('sha256:'.length);
  const data = join(registry.folder, 'data/docker/registry/v2');
  const link = join(data, 'repositories/comfy/demo/_layers/sha256', hex);
  await rm(join(data, 'blobs/sha256', hex.slice(0, 2), hex), { recursive: true });
  await rm(link, { recursive: true });

  const second = await machine.build(example, args);
  succeeded(second);
  assert.deepEqual(origins(second), { ...everyLayer, 'layer3-pytorch': 'local' });
  assert.equal(second.record?.sentBytes, lost?.size);
  assert.equal(second.record?.image?.digest, first.record?.image?.digest);
});

test('without reuse everything is made again, and is the same', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const args = ['--image', `${registry.address}/comfy/demo`];
  const first = await machine.build(example, args);
  const second = await machine.build(example, [...args, '--no-reuse']);
  succeeded(second);
  assert.equal(second.record?.image?.digest, first.record?.image?.digest);
  assert.equal(second.record?.sentBytes, first.record?.sentBytes);
  assert.deepEqual(second.record?.warnings, []);
});

test('layers are learnt from another repository and mounted', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const first = await (await freshMachine(context)).build(example, [
    '--image',
    `${registry.address}/a`,
  ]);
  succeeded(first);
  const machine = await freshMachine(context);
  const from = `type=registry,ref=${registry.address}/a:cache-comfyui-cu130-amd64`;
  const second = await machine.build(example, [
    '--image',
    `${registry.address}/b`,
    '--cache-from',
    from,
  ]);
  succeeded(second);
  assert.equal(second.record?.sentBytes, 0);
  assert.equal(second.record?.image?.digest, first.record?.image?.digest);
  const transfers = byLayer(second, layer => layer.blobs.map(blob => blob.transfer));
  assert.deepEqual(transfers['layer3-pytorch'], ['mounted']);
});

test('each compression is accepted by other tools, and is what it says to be', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  for (const compression of ['zstd', 'gzip', 'none']) {
    const image = `${registry.address}/${compression}`;
    const built = await machine.build(example, ['--image', image, '--compression', compression]);
    succeeded(built);
    const layout = join(machine.home, compression);
    const source = ['--src-tls-verify=false', `docker://${image}:cu130`];
    await run('skopeo', ['copy', '-q', '--preserve-digests', ...source, `oci:${layout}:copy`]);
    assert.equal(await checkImage(layout), built.record?.image?.digest);
    assert.equal((await inspect(`oci:${layout}:copy`)).Layers.length, 7);
  }
});

test('push: false builds, and pushes nothing', async context => {
  const registry = await registryFor(context);
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const args = ['--image', `${registry.address}/x`, '--no-push', '--layers', 'layer1-python'];
  const result = await machine.build(example, args);
  succeeded(result);
  assert.equal(origins(result)['layer1-python'], 'built');
  assert.equal(origins(result)['layer6-app'], 'skipped');
  assert.equal(result.record?.image?.digest, undefined);
  await assert.rejects(tagsOf(`${registry.address}/x`));
});
