// Layers of several targets and folders: what each change moves, and that every machine makes the same.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decompress } from '../../../src/image/decompress.ts';
import { readTar } from '../../../src/image/tar-reader.ts';
import type { Manifest } from '../../../src/image/types.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { startCountedCache } from '../../tools/cache-stand-in.ts';
import { checkImage } from '../../tools/check-image.ts';
import { quietHost } from '../../tools/host.ts';
import { startRegistry } from '../../tools/registry.ts';
import { byLayer, freshMachine, type Run } from './machine.ts';
import { targetsFlake, type Versions } from './targets-flake.ts';

/** A binary cache that tells how many bytes were taken from it. */
async function countingCache(context: TestContext) {
  const { folder, url, taken } = await startCountedCache(context);
  return { folder, url, served: () => taken().reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** A registry, a cache that has all that was ever built, and a machine for each build. */
async function scene(context: TestContext) {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const flake = await targetsFlake(context);
  await mkdir(join(flake.folder, 'files'));
  await writeFile(join(flake.folder, 'files/sitecustomize.py'), 'x');
  const cache = await countingCache(context);
  const build = async (versions: Versions, repository = 'demo', more: string[] = []) => {
    await flake.change(versions);
    cache.served();
    const run = await (await freshMachine(context)).build(flake, [
      ...['--image', `${registry.address}/${repository}`],
      ...['--extra-substituters', `${cache.url}?trusted=true`, ...more],
    ]);
    assert.equal(run.code, 0, run.stderr);
    return run;
  };
  const manifestOf = async ({ record }: Run): Promise<Manifest> => {
    const { repository = '', digest = '' } = record?.image ?? {};
    const store = remoteStore(parseReference(repository), { host: quietHost(), credentials: {} });
    const stored = await store.getManifest(digest);
    await store.close();
    return JSON.parse(stored?.bytes.toString() ?? '');
  };
  const linksOf = async (run: Run) => {
    const repository = run.record?.image?.repository ?? '';
    const store = remoteStore(parseReference(repository), { host: quietHost(), credentials: {} });
    const layer = (await manifestOf(run)).layers.at(-1) ?? assert.fail();
    const found: string[] = [];
    for await (const member of readTar(decompress(store.openBlob(layer), 'zstd', 'root'), 'root')) {
      const target = member.target.replace(/^\/nix\/store\/[0-9a-z]{32}-/, '');
      found.push(member.type === 'symlink' ? `${member.path} -> ${target}` : `${member.path}/`);
    }
    await store.close();
    return found;
  };
  return { build, cache, manifestOf, linksOf };
}

const origins = (run: Run) => byLayer(run, ({ origin }) => origin);
const sent = (run: Run) =>
  byLayer(run, ({ blobs }) => blobs.map(({ transfer }) => transfer[0]).join(''));

test('layers of several targets, and folders that are merged from them', {
  timeout: 500_000,
}, async context => {
  const { build, cache, manifestOf, linksOf } = await scene(context);
  const cold = await build({}, 'demo', ['--binary-caches', cache.folder]);
  assert.match(cold.stderr, /performance has no targets, and the image no such layer/);
  assert.doesNotMatch(cold.stderr, /Several sources of a folder/, 'they bring the same file');
  assert.deepEqual(sent(cold), {
    ...{
      cuda: 'uuu',
      pytorch: 'uu',
      performance: '',
      downloads: '',
      python: 'u',
      bytecode: 'u',
      app: 'u',
    },
    ...{ references: 'u', root: 'u' },
  });
  assert.deepEqual(await linksOf(cold), [
    'bin/',
    'bin/app -> app-1/bin/app',
    'bin/python -> python-1/bin/python',
    'lib/',
    'lib/libpython.so -> python-1/lib/libpython.so',
    'opt/',
    'opt/python/',
    'opt/python/cuda/',
    'opt/python/cuda/nvidia/',
    'opt/python/cuda/nvidia/__init__.py -> cublas-13/nvidia/__init__.py',
    'opt/python/cuda/nvidia/cu13/',
    'opt/python/cuda/nvidia/cu13/NOTICE -> cudnn-1/nvidia/cu13/NOTICE',
    'opt/python/cuda/nvidia/cu13/include -> cublas-13/nvidia/cu13/include',
    'opt/python/cuda/nvidia/cu13/lib/',
    'opt/python/cuda/nvidia/cu13/lib/libcublas.so -> cublas-13/nvidia/cu13/lib/libcublas.so',
    'opt/python/cuda/nvidia/cu13/lib/libcublas.so.13 -> cublas-13/nvidia/cu13/lib/libcublas.so.13',
    'opt/python/cuda/nvidia/cu13/lib/libnvtx.so -> nvtx-1/nvidia/cu13/lib/libnvtx.so',
    'opt/python/cuda/nvidia/cudnn -> cudnn-1/nvidia/cudnn',
    'opt/python/cuda/share -> licence-1/share',
    'opt/python/pytorch/',
    'opt/python/pytorch/bin/',
    'opt/python/pytorch/bin/jinja -> jinja-3/bin/jinja',
    'opt/python/pytorch/bin/torchrun -> torch-2/bin/torchrun',
    'opt/python/pytorch/jinja2/',
    'opt/python/pytorch/jinja2/__init__.py -> jinja-3/jinja2/__init__.py',
    'opt/python/pytorch/jinja2/__pycache__ -> bytecode/jinja2/__pycache__',
    'opt/python/pytorch/sitecustomize.py -> files/sitecustomize.py',
    'opt/python/pytorch/torch/',
    'opt/python/pytorch/torch/__init__.py -> torch-2/torch/__init__.py',
    'opt/python/pytorch/torch/__pycache__ -> bytecode/torch/__pycache__',
    'opt/python/pytorch/torch/include -> torch-2/torch/include',
    'opt/python/pytorch/torch/libtorch.so -> torch-2/torch/libtorch.so',
    'usr/',
    'usr/local/',
    'usr/local/cuda/',
    'usr/local/cuda/lib64/',
    'usr/local/cuda/lib64/libcublas.so -> cublas-13/nvidia/cu13/lib/libcublas.so',
    'usr/local/cuda/lib64/libcublas.so.13 -> cublas-13/nvidia/cu13/lib/libcublas.so.13',
    'usr/local/cuda/lib64/libnvtx.so -> nvtx-1/nvidia/cu13/lib/libnvtx.so',
  ]);

  const again = await build({});
  assert.doesNotMatch(again.stderr, /contradicts/);
  assert.equal(cache.served(), 0);
  assert.equal(again.record?.image?.digest, cold.record?.image?.digest);
  assert.deepEqual(new Set(Object.values(origins(again))), new Set(['reused', 'skipped']));

  const otherPython = await build({ python: '2' });
  assert.equal(cache.served(), 0, 'no wheel is there on this machine');
  assert.deepEqual(sent(otherPython), {
    ...{
      cuda: 'ppp',
      pytorch: 'pp',
      performance: '',
      downloads: '',
      python: 'u',
      bytecode: 'u',
      app: 'u',
    },
    ...{ references: 'p', root: 'u' },
  });
  const coldPython = await build({ python: '2' }, 'other', ['--binary-caches', cache.folder]);
  const layersOf = async (run: Run) => (await manifestOf(run)).layers.map(({ digest }) => digest);
  assert.deepEqual(await layersOf(otherPython), await layersOf(coldPython));

  const cudnn = await build({ cudnn: '2' });
  assert.deepEqual(sent(cudnn).cuda, 'pup', 'cuDNN is a blob of its own');
  assert.match(cudnn.stderr, /^cuda +built, 3 of 4 reused /m);
  assert.equal(cache.served(), 0);
  const coldCudnn = await build({ cudnn: '2' }, 'third', ['--binary-caches', cache.folder]);
  assert.deepEqual(await layersOf(cudnn), await layersOf(coldCudnn));

  const small = await build({ small: '2' });
  assert.deepEqual(sent(small).cuda, 'ppu', 'nvtx shares its blob with the licence alone');
  assert.ok(cache.served() < 1000, 'of which that is all that is fetched');
  const coldSmall = await build({ small: '2' }, 'fourth');
  assert.deepEqual(await layersOf(small), await layersOf(coldSmall));
});

test('a variant learns from what is remembered of others', { timeout: 500_000 }, async context => {
  const { build, cache, manifestOf } = await scene(context);
  const first = await build({}, 'demo', ['--binary-caches', cache.folder]);
  const second = await build({ tag: 'b', python: '2', cudnn: '1', small: '2' });
  assert.deepEqual(sent(second), {
    ...{
      cuda: 'ppu',
      pytorch: 'pp',
      performance: '',
      downloads: '',
      python: 'u',
      bytecode: 'u',
      app: 'u',
    },
    ...{ references: 'p', root: 'u' },
  });
  assert.ok(cache.served() < 1000);
  const same = await build({ tag: 'c' });
  assert.deepEqual(
    (await manifestOf(same)).layers.map(({ digest }) => digest),
    (await manifestOf(first)).layers.map(({ digest }) => digest),
  );
  assert.equal(cache.served(), 0);
  const alone = await build({ tag: 'd' }, 'demo', ['--no-reuse']);
  assert.equal(sent(alone).cuda, 'uuu');
});

test('a file and a layout hold the same, and selected layers are realised alone', {
  timeout: 500_000,
}, async context => {
  const flake = await targetsFlake(context);
  await mkdir(join(flake.folder, 'files'));
  await writeFile(join(flake.folder, 'files/sitecustomize.py'), 'x');
  const machine = await freshMachine(context);
  const layout = await machine.build(flake, ['--image', `oci:${machine.home}/image`]);
  assert.equal(layout.code, 0, layout.stderr);
  await checkImage(`${machine.home}/image`);
  const archive = ['--image', `docker-archive:${machine.home}/image.tar`];
  const file = await machine.build(flake, archive);
  assert.equal(file.code, 0, file.stderr);
  const diffIds = (run: Run) => byLayer(run, ({ blobs }) => blobs.map(({ diffId }) => diffId));
  assert.deepEqual(diffIds(file), diffIds(layout));

  const other = await freshMachine(context);
  const selected = await other.build(flake, [
    '--no-push',
    '--layers',
    'downloads',
    '--image',
    `oci:x`,
  ]);
  assert.equal(selected.code, 0, selected.stderr);
  const built = byLayer(selected, ({ origin, builtDerivations }) =>
    [origin, ...builtDerivations.map(({ derivation }) => derivation.slice(44, -4))].join(' '),
  );
  assert.equal(built.cuda, 'built nvtx-1');
  assert.equal(built.downloads, 'built', 'the work is that of the first layer with the target');
  assert.equal(built.app, 'skipped');
});
