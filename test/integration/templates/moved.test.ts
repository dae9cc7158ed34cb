// What each change of templates/layered sends, and has a machine fetch: counted at a registry, at a
// binary cache that has all that was ever built, and where wheels are downloaded. Wheels are small, but
// those that are blobs of their own in the real image are so here.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Manifest } from '../../../src/image/types.ts';
import { parseReference } from '../../../src/registry/reference.ts';
import { remoteStore } from '../../../src/registry/remote.ts';
import { type CountedCache, startCountedCache } from '../../tools/cache-stand-in.ts';
import { quietHost } from '../../tools/host.ts';
import { startRegistry } from '../../tools/registry.ts';
import { byLayer, freshMachine, kind, type Machine, program, type Run } from '../build/machine.ts';
import { layers, type SmallProject, smallProject, type Weight } from './layered-project.ts';
import { moveNixpkgs, patchPython } from './stand-in.ts';

const mebibyte = 2 ** 20;

/** Bytes that one of these wheels adds to what is sent. */
const heavy = 200_000;
const alone = new Set([
  'nvidia-cublas',
  'nvidia-cudnn-cu13',
  'torch',
  'torchvision',
  'triton',
  'cuda-bindings',
  'comfyui-workflow-templates-media-assets-01',
  'one-more',
]);
const weightOf = (name: string): Weight =>
  alone.has(name) ? { noise: heavy, zeros: 16 * mebibyte } : { noise: 0, zeros: 0 };

/** All else that a change sends: links, folders, the manifest, what others share a blob with. */
const little = 100_000;

/** What was sent and fetched for a change. */
interface Moved {
  run: Run;
  /** Blobs that were sent, by layer; layers that sent none are left out. */
  sent: Record<string, number>;
  sentBytes: number;
  /** Names of wheels and sources that came from the cache or their servers. */
  fetched: string[];
  /** Digests of the layers, from the bottom. */
  digests: string[];
}

/** A registry, a cache that has all that was ever built, and the template. */
async function scene(context: TestContext) {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const cache = await startCountedCache(context);
  const project = await smallProject(context, {}, weightOf);
  const image = `${registry.address}/comfyui`;
  const build = async (machine: Machine): Promise<Moved> => {
    takeFetched(project, cache);
    const run = await buildOn(machine, project, ['--image', image], cache);
    return {
      run,
      sent: sentBlobs(run),
      sentBytes: run.record?.sentBytes ?? Number.NaN,
      fetched: takeFetched(project, cache),
      digests: await digestsOf(run),
    };
  };
  return { build, project };
}

async function buildOn(
  machine: Machine,
  { folder, nixpkgs }: SmallProject,
  args: readonly string[],
  cache: CountedCache,
): Promise<Run> {
  const recordFile = join(machine.home, 'record.json');
  const run = await machine.command(
    [
      ...[process.execPath, program, 'build', `path:${folder}#comfyui`, ...args],
      ...['--override-inputs', `nixpkgs=path:${nixpkgs}`, '--no-cuda-caches'],
      ...['--extra-substituters', `${cache.url}?trusted=true`, '--binary-caches', cache.folder],
      ...['--record', recordFile],
    ],
    { recordFile },
  );
  assert.equal(run.code, 0, run.stderr);
  return run;
}

function sentBlobs(run: Run): Record<string, number> {
  const counts = byLayer(
    run,
    ({ blobs }) => blobs.filter(({ transfer }) => transfer === 'uploaded').length,
  );
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Of the cache's paths those of wheels, sources and bytecode, by the names of their trees, and downloads. */
function takeFetched(project: SmallProject, cache: CountedCache): string[] {
  const trees = new Set(['source', ...namesOf(project.pinned())]);
  const downloaded = project.takeDownloads().map(file => file.replace(/-py3-none-any\.whl$/, ''));
  const fromCache = cache.taken().map(({ name }) => name);
  return [
    ...fromCache.filter(name => trees.has(name) || name.startsWith('bytecode-')),
    ...downloaded.map(name => name.replaceAll('_', '-')),
  ].sort();
}

const namesOf = (versions: Record<string, string>) =>
  Object.entries(versions).map(([name, version]) => `${name}-${version}`);

async function digestsOf({ record }: Run): Promise<string[]> {
  const { repository = '', digest = '' } = record?.image ?? {};
  const store = remoteStore(parseReference(repository), { host: quietHost(), credentials: {} });
  const stored = await store.getManifest(digest);
  await store.close();
  const manifest: Manifest = JSON.parse(stored?.bytes.toString() ?? '');
  return manifest.layers.map(layer => layer.digest);
}

/** The same number for all layers with such names. */
const ofLayers = (names: RegExp, blobs: number) =>
  Object.fromEntries(layers.filter(name => names.test(name)).map(name => [name, blobs]));

/** Digests of the blobs of all layers below this one. */
function below({ run }: Moved, name: string): string[] {
  const layers = run.record?.layers ?? [];
  const at = layers.findIndex(layer => layer.name === name);
  assert.ok(at > 0, name);
  return layers.slice(0, at).flatMap(({ blobs }) => blobs.map(({ digest }) => digest));
}

/** Has a file of the project say something else. */
async function replaceIn(file: string, from: RegExp, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const changed = text.replace(from, to);
  assert.notEqual(changed, text);
  await writeFile(file, changed);
}

test('what a change of templates/layered moves', { timeout: 500_000 }, async context => {
  const { build, project } = await scene(context);
  const packages = join(project.folder, 'packages.nix');
  await replaceIn(packages, /aiohttp[^\]]*yarl/, 'numpy pip setuptools');
  const before = await build(await freshMachine(context));
  const { 'layer2-cuda': cuda, 'layer3-pytorch': pytorch } = before.sent;
  assert.deepEqual([cuda, pytorch], [3, 5], 'heavy wheels are blobs of their own');

  const machine = await freshMachine(context);
  await moveNixpkgs(project.nixpkgs);
  const moved = await build(machine);
  await context.test('another nixpkgs: no wheel is sent, and those with Python are fetched', () => {
    assert.deepEqual(moved.sent, {
      'layer0-base': 1,
      'layer1-python': 2,
      'layer4-sources': 1,
      ...ofLayers(/^bytecode-/, 1),
      'layer6-app': 1,
      root: 1,
    });
    assert.deepEqual(below(moved, 'layer0-base'), below(before, 'layer0-base'));
    const names = namesOf(project.pinned());
    const isLeft =
      /^(nvidia|cuda-toolkit|comfyui-(embedded-docs|frontend-package|workflow-templates-media))-/;
    const holdPython = names.filter(name => !isLeft.test(name));
    assert.deepEqual(moved.fetched, [...holdPython, 'source', 'source'].sort());
  });

  await project.updateComfyUI('0.34.0');
  const app = await build(await freshMachine(context));
  await context.test('a new ComfyUI: nothing below its layer', () => {
    assert.deepEqual(app.sent, { 'layer6-app': 1, root: 1 });
    assert.deepEqual(below(app, 'layer6-app'), below(moved, 'layer6-app'));
    const [kept, changed] = [moved, app].map(({ digests }) => digests.slice(0, -2));
    assert.deepEqual(changed, kept);
    assert.deepEqual(app.fetched, [`ComfyUI/archive/${'c'.repeat(40)}.tar.gz`]);
  });

  // the rest is the same under both versions of Nix
  if (kind === 'system') return;
  await project.updateWheels({ 'nvidia-cudnn-cu13': '9.25.0' });
  const cudnn = await build(machine);
  await context.test('a new cuDNN: its blob and little', () => {
    assert.deepEqual(cudnn.sent, { 'layer2-cuda': 1, root: 1 });
    assert.ok(cudnn.sentBytes < heavy + little, `${cudnn.sentBytes}`);
    assert.deepEqual(cudnn.fetched, ['nvidia-cudnn-cu13-9.25.0']);
  });

  await project.updateWheels({ 'one-more': '1.0' });
  const added = await build(machine);
  await context.test('one wheel more: it, the bytecode of its layer, and little', () => {
    assert.deepEqual(added.sent, {
      'layer5-performance': 1,
      'bytecode-performance': 1,
      root: 1,
    });
    assert.ok(added.sentBytes < heavy + little, `${added.sentBytes}`);
    assert.deepEqual(added.fetched, ['one-more-1.0']);
  });

  await patchPython(project.nixpkgs);
  const python = await build(machine);
  await context.test('a patch release of Python: it, what is built with it, and bytecode', () => {
    assert.deepEqual(python.sent, {
      'layer1-python': 2,
      'layer4-sources': 1,
      ...ofLayers(/^bytecode-/, 1),
      root: 1,
    });
    assert.deepEqual(python.fetched, []);
    assert.deepEqual(below(python, 'layer1-python'), below(added, 'layer1-python'));
  });

  const release = { torch: '2.15.0', torchvision: '0.30.0', triton: '3.9.0' };
  await project.updateWheels({ ...release, 'nvidia-cudnn-cu13': '9.26.0' });
  const torch = await build(await freshMachine(context));
  await context.test('a new PyTorch: its wheels, and those that it newly requires', () => {
    assert.deepEqual(torch.sent, {
      'layer2-cuda': 1,
      'layer3-pytorch': 3,
      ...ofLayers(/^bytecode-(torch|torchvision|triton)$/, 1),
      root: 1,
    });
    assert.ok(torch.sentBytes < 4 * heavy + little, `${torch.sentBytes}`);
    assert.deepEqual(torch.fetched, [
      'nvidia-cudnn-cu13-9.26.0',
      'torch-2.15.0',
      'torchvision-0.30.0',
      'triton-3.9.0',
    ]);
  });
});
