import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { copyTemplate, layers, smallProject } from './layered-project.ts';
import { closureOf, evaluate, nameOf, type Project } from './stand-in.ts';

const packages = 'packages.x86_64-linux';
const paths = 'builtins.mapAttrs (_: target: { drv = target.drvPath; out = target.outPath; })';
type Paths = Record<string, { drv: string; out: string }>;

const targetsOf = (project: Project) => evaluate<Paths>(project, packages, paths);

describe('templates/layered, evaluated', () => {
  test('all layer targets of all variants that the lock has', async context => {
    const project = await copyTemplate(context);
    const targets = Object.keys(await targetsOf(project));
    const lock = JSON.parse(await readFile(join(project.folder, 'wheels.lock.json'), 'utf8'));
    const locked = Object.entries<object>(lock.wheels['x86_64-linux']).flatMap(([cuda, pythons]) =>
      Object.keys(pythons).map(python => `${cuda}-${python.replace('cp', 'py')}`),
    );
    assert.ok(locked.length >= 7, locked.join(' '));
    const suffixes = [...locked.map(name => `-${name}`), '-cu126', '-cu128', '-cu130', ''];
    const expected = suffixes.flatMap(suffix => [...layers, 'comfyui'].map(name => name + suffix));
    assert.deepEqual(targets.sort(), [...expected, 'default'].sort());
  });

  test('a variant without wheels says which, and what to do', async context => {
    const project = await copyTemplate(context);
    const missing = evaluate(project, 'comfyui-cu126-py314', 'target: target.drvPath');
    await assert.rejects(
      missing,
      /cu126-py314 cannot be built: wheels\.lock\.json has no wheel of "torch"[\s\S]*comfy-nix prefetch/,
    );
  });

  test('unfree packages are allowed by the flake itself, by nixpkgs without it not', async context => {
    const project = await copyTemplate(context);
    const inner = { folder: project.nixpkgs, nixpkgs: project.nixpkgs };
    const library = 'legacyPackages.x86_64-linux.cudaPackages_13_0.libcublas';
    await assert.rejects(evaluate(inner, library, 'target: target.drvPath'), /allowUnfree/);
  });

  test('the recipe ships all layers but the downloads, and is not root', async context => {
    const recipe = await evaluate<Recipe>(
      await copyTemplate(context),
      `${packages}.comfyui.passthru.recipe`,
      'recipe: recipe // { root = map (t: t.name) recipe.root; ' +
        'layers = map (l: { inherit (l) name image; }) recipe.layers; }',
    );
    assert.deepEqual(
      recipe.layers,
      layers.map(name => ({ name, image: name !== 'layer2-wheels' })),
    );
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

interface Recipe {
  root: string[];
  layers: { name: string; image: boolean }[];
  config: {
    User: string;
    Env: string[];
    ExposedPorts: object;
    Volumes: object;
    Labels: Record<string, string>;
  };
}

describe('what a target is built from', () => {
  test('the app from neither CUDA nor Python, and the same in all variants', async context => {
    const targets = await targetsOf(await copyTemplate(context));
    const app = targets['layer6-app-cu130-py313']?.drv ?? '';
    const inputs = [...(await closureOf(app))].map(nameOf);
    assert.deepEqual(
      inputs.filter(name => /cuda|cublas|cudnn|torch|python/.test(name)),
      [],
    );
    assert.ok(inputs.includes('comfyui.drv'));
    assert.equal(targets['layer6-app-cu126-py312']?.drv, app);
  });

  test('performance wheels from CUDA and their own files, not from other layers', async context => {
    const targets = await targetsOf(await copyTemplate(context));
    const inputs = await closureOf(targets['layer5-performance']?.drv ?? '');
    for (const other of ['layer1-python', 'layer3-pytorch', 'layer4-dependencies']) {
      assert.ok(!inputs.has(targets[other]?.drv ?? other), other);
    }
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
