import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { evaluateVariants } from '../../../src/nix/evaluate-variants.ts';
import { workbench } from '../nix/workbench.ts';
import { copyTemplate, layers, smallProject } from './layered-project.ts';
import { closureOf, evaluate, nameOf, type Project } from './stand-in.ts';

const packages = 'packages.x86_64-linux';
const paths = 'builtins.mapAttrs (_: target: { drv = target.drvPath; out = target.outPath; })';
type Paths = Record<string, { drv: string; out: string }>;

/** What the layers of a variant's recipe hold, by the layer's name. */
const targetsIn = (project: Project, variant: string) =>
  evaluate<Record<string, { name: string; drv: string; out: string }[]>>(
    project,
    `comfyui-${variant}.passthru.recipe.layers`,
    'layers: builtins.listToAttrs (map (l: { inherit (l) name; value = map (t: ' +
      '{ inherit (t) name; drv = t.drvPath; out = t.outPath; }) l.targets; }) layers)',
  );

const targetsOf = (project: Project) => evaluate<Paths>(project, packages, paths);

describe('templates/layered, evaluated', () => {
  test('all layer targets of all variants that the lock has', async context => {
    const project = await copyTemplate(context);
    const targets = Object.keys(await targetsOf(project));
    const lock = JSON.parse(await readFile(join(project.folder, 'wheels.lock.json'), 'utf8'));
    const locked = Object.entries<Pythons>(lock.wheels['x86_64-linux']).flatMap(([cuda, pythons]) =>
      Object.entries(pythons)
        .filter(([, wheels]) => wheels.torch)
        .map(([python]) => `${cuda}-${python.replace('cp', 'py')}`),
    );
    assert.ok(locked.length >= 7, locked.join(' '));
    const suffixes = [...locked.map(name => `-${name}`), '-cu126', '-cu128', '-cu130', ''];
    const expected = suffixes.flatMap(suffix => [...layers, 'comfyui'].map(name => name + suffix));
    assert.deepEqual(targets.sort(), [...expected, 'default'].sort());
  });

  test('a matrix has each variant once, by the name that says most', async context => {
    const project = await copyTemplate(context);
    const targets = Object.keys(await targetsOf(project));
    const { nix } = await workbench(context);
    const asked = { flake: `path:${project.folder}`, system: 'x86_64-linux', own: ['comfyui'] };
    const settings = {
      ...{ cwd: project.folder, acceptFlakeConfig: false },
      overrideInputs: [{ input: 'nixpkgs', flake: `path:${project.nixpkgs}` }],
    };
    const variants = await evaluateVariants(nix, { ...asked, patterns: undefined }, settings);
    const named = targets.filter(name => /^comfyui-cu\d+-py\d+$/.test(name));
    assert.deepEqual(
      variants.map(({ attribute }) => attribute),
      named.sort(),
    );
    assert.deepEqual(
      variants.map(each => 'evaluation' in each && each.evaluation.recipe?.tag),
      named.map(name => name.replace('comfyui-', '')),
    );
  });

  test('what layer 1 has of nixpkgs is told by Python, for prefetch', async context => {
    const project = await copyTemplate(context);
    const provided = await evaluate<Record<string, Record<string, string | null>>>(
      project,
      'provided',
      'provided: provided',
    );
    assert.deepEqual(Object.keys(provided), ['3.12', '3.13', '3.14']);
    assert.equal(provided['3.13']?.numpy, '1.0');
    assert.ok(Object.keys(provided['3.13'] ?? {}).length > 50);
    const wanted = Object.entries(provided['3.12'] ?? {});
    assert.ok(wanted.length > 50 && wanted.every(([, version]) => version === null), 'as wheels');
  });

  test('a variant without wheels says which, and what to do', async context => {
    const project = await copyTemplate(context);
    const missing = evaluate(project, 'comfyui-cu126-py314', 'target: target.drvPath');
    await assert.rejects(
      missing,
      /cu126-py314 cannot be built: wheels\.lock\.json has no wheel of "torch"[\s\S]*comfy-nix prefetch/,
    );
  });

  test('CUDA from nixpkgs is at hand for what is compiled, and part of nothing else', async context => {
    const project = await copyTemplate(context);
    const inner = { folder: project.nixpkgs, nixpkgs: project.nixpkgs };
    const library = 'legacyPackages.x86_64-linux.cudaPackages_13_0.libcublas';
    await assert.rejects(evaluate(inner, library, 'target: target.drvPath'), /allowUnfree/);
    const { comfyui } = await targetsOf(project);
    const names = [...(await closureOf(comfyui?.drv ?? ''))].map(nameOf);
    const compiled = /^(cuda_|lib(cu|nv)|cudnn|nccl|openmpi|ucx)/;
    assert.deepEqual(
      names.filter(name => compiled.test(name)),
      [],
    );
  });

  test('Python 3.12 is the interpreter alone: nothing is built with it but bytecode and sources', async context => {
    const project = await copyTemplate(context);
    const targets = await targetsOf(project);
    const builtFrom = async (name: string) =>
      [...(await closureOf(targets[name]?.drv ?? ''))].map(nameOf);
    const packages = (names: readonly string[]) =>
      names.filter(name => /^python3[\d.]*-([a-z]|.*-env)/.test(name));
    assert.ok(packages(await builtFrom('comfyui-cu130-py313')).length > 50);
    for (const variant of ['cu126-py312', 'cu128-py312', 'cu130-py312']) {
      const names = await builtFrom(`comfyui-${variant}`);
      assert.deepEqual(packages(names), [], variant);
      assert.equal(names.filter(name => /^python3-[\d.]+\.drv$/.test(name)).length, 1);
      for (const name of ['aiohttp', 'numpy', 'pip', 'setuptools', 'transformers']) {
        assert.ok(
          names.some(each => each.startsWith(`${name}-`)),
          `${variant}: ${name}`,
        );
      }
    }
  });

  test('what is built with wheels has those that they require as well', async context => {
    const project = await copyTemplate(context);
    const file = join(project.folder, 'wheels.lock.json');
    const lock = JSON.parse(await readFile(file, 'utf8'));
    const builtWith = async () => {
      const sources = (await targetsIn(project, 'cu130-py312'))['layer4-sources'];
      const sam2 = sources?.find(({ name }) => name === 'sam-2-cp312');
      return [...(await closureOf(sam2?.drv ?? ''))].map(nameOf).join();
    };
    assert.doesNotMatch(await builtWith(), /packaging-/);
    lock.wheels['x86_64-linux'].cu130.cp312.packaging.requiredBy = ['setuptools'];
    await writeFile(file, JSON.stringify(lock));
    const both = await builtWith();
    assert.match(both, /setuptools-/);
    assert.match(both, /packaging-/);
  });

  test('the recipe has wheels below what nixpkgs changes, the app on top, and is not root', async context => {
    const recipe = await evaluate<Recipe>(
      await copyTemplate(context),
      `${packages}.comfyui.passthru.recipe`,
      'recipe: recipe // { root = map (t: t.name) recipe.root; ' +
        'layers = map (l: l.name) recipe.layers; folders = map (f: f.at) recipe.folders; }',
    );
    assert.deepEqual(recipe.layers, layers);
    assert.deepEqual(recipe.folders, [
      '/usr/local/cuda/lib64',
      '/usr/local/cuda/include',
      '/opt/python/pytorch',
      '/opt/python/bin',
      '/opt/python/performance',
      '/opt/python/dependencies',
      '/opt/python/nixpkgs',
      '/opt/python/app',
    ]);
    const { config } = recipe;
    assert.equal(config.User, '1000:1000');
    assert.deepEqual(config.ExposedPorts, { '8188/tcp': {} });
    assert.deepEqual(config.Volumes, { '/data/models': {} });
    assert.equal(config.Labels['org.comfy-nix.check'], '--quick-test-for-ci --cpu');
    for (const variable of [
      'LANG=C.UTF-8',
      'NVIDIA_VISIBLE_DEVICES=all',
      'NVIDIA_DRIVER_CAPABILITIES=compute,utility',
      'NVIDIA_REQUIRE_CUDA=cuda>=13.0',
    ]) {
      assert.ok(config.Env.includes(variable), variable);
    }
  });
});

/** The lock's wheels of a CUDA: Python → project → pin. */
type Pythons = Record<string, Record<string, { version: string }>>;

interface Recipe {
  root: string[];
  layers: string[];
  folders: string[];
  config: {
    User: string;
    Env: string[];
    ExposedPorts: object;
    Volumes: object;
    Labels: Record<string, string>;
  };
}

describe('what a target is built from', () => {
  test('ComfyUI from neither CUDA nor Python, and the same in all variants', async context => {
    const project = await copyTemplate(context);
    const comfyui = async (variant: string) =>
      (await targetsIn(project, variant))['layer6-app']?.find(({ name }) => name === 'layer6-app');
    const app = (await comfyui('cu130-py313'))?.drv ?? '';
    const inputs = [...(await closureOf(app))].map(nameOf);
    assert.deepEqual(
      inputs.filter(name => /cuda|cublas|cudnn|torch|python/.test(name)),
      [],
    );
    assert.ok(inputs.includes('comfyui.drv'));
    assert.equal((await comfyui('cu126-py312'))?.drv, app);
  });

  test('wheels from themselves: another nixpkgs moves none of them', async context => {
    const project = await copyTemplate(context);
    const before = await targetsIn(project, 'cu130-py313');
    await appendFile(join(project.nixpkgs, 'generic-builder.sh'), '\n# another stdenv\n');
    const after = await targetsIn(project, 'cu130-py313');
    const kept = (name: string) =>
      before[name]?.filter((target, at) => target.out === after[name]?.[at]?.out).map(t => t.name);
    const wheels: readonly string[] = [
      'layer2-cuda',
      'layer3-pytorch',
      'layer5-performance',
      'layer4-dependencies',
      'layer6-wheels',
    ];
    for (const name of wheels) {
      assert.deepEqual(
        kept(name),
        before[name]?.map(target => target.name),
        name,
      );
    }
    for (const name of layers.filter(each => !wheels.includes(each))) {
      assert.deepEqual(kept(name), [], name);
    }
  });

  test('every wheel of the lock, which is in one layer', async context => {
    const project = await copyTemplate(context);
    const lock = JSON.parse(await readFile(join(project.folder, 'wheels.lock.json'), 'utf8'));
    for (const [variant, pins] of [
      ['cu130-py313', lock.wheels['x86_64-linux'].cu130.cp313],
      ['cu128-py313', lock.wheels['x86_64-linux'].cu128.cp313],
    ]) {
      const held = Object.values(await targetsIn(project, variant)).flat();
      const names = new Set(held.map(({ name }) => name));
      assert.equal(names.size, held.length, variant);
      for (const [name, { version }] of Object.entries<{ version: string }>(pins)) {
        assert.ok(names.has(`${name}-${version}`), `${variant}: ${name} ${version}`);
      }
    }
  });

  test('wheels in the order in which they change', async context => {
    const targets = await targetsIn(await copyTemplate(context), 'cu130-py313');
    const named = (layer: string) =>
      targets[layer]?.map(({ name }) => name.replace(/(-cu13)?-[\d.]+$/, '')) ?? [];
    assert.deepEqual(named('layer2-cuda').slice(-5), [
      'nvidia-nvtx',
      'nvidia-cusparselt',
      'nvidia-nvshmem',
      'nvidia-nccl',
      'nvidia-cudnn',
    ]);
    assert.deepEqual(named('layer3-pytorch').slice(-4), [
      'torch',
      'torchvision',
      'torchaudio',
      'triton',
    ]);
  });

  test('variants of one CUDA from the same libraries of NVIDIA', async context => {
    const project = await copyTemplate(context);
    const libraries = async (variant: string) => (await targetsIn(project, variant))['layer2-cuda'];
    assert.deepEqual(await libraries('cu130-py314'), await libraries('cu130-py313'));
  });

  test('a new ComfyUI rebuilds its own layer alone', async context => {
    const project = await smallProject(context);
    const before = await targetsOf(project);
    await project.updateComfyUI('0.34.0');
    const after = await targetsOf(project);
    const changed = [...layers, 'comfyui'].filter(name => before[name]?.out !== after[name]?.out);
    assert.deepEqual(changed, ['layer6-app', 'comfyui']);
  });
});
