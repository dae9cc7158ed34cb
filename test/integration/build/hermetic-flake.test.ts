import assert from 'node:assert/strict';
import { appendFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  copyExample,
  type Example,
  evaluate,
  evaluateTargets,
  nix,
  query,
  run,
  system,
  type Target,
  type TargetName,
  targetNames,
  withBusybox,
} from './hermetic-example.ts';
import { composeRoot, runIn } from './hermetic-root.ts';

const everything = [...targetNames];
const withoutHash = (storePath: string) => storePath.replace(/^.*\/[a-z0-9]{32}-/, '');

const shipped = targetNames.filter(name => name !== 'layer2-wheels' && name !== 'comfyui');

/** What a change rebuilds: the table of the example's README. */
const rebuilds: { change: string; edit: (e: Example) => Promise<void>; rebuilt: TargetName[] }[] = [
  {
    change: 'a changed file in app/',
    edit: ({ folder }) => writeFile(join(folder, 'app/VERSION'), '0.39.0\n'),
    rebuilt: ['layer6-app', 'comfyui'],
  },
  {
    change: 'a new file in app/',
    edit: ({ folder }) => writeFile(join(folder, 'app/extra'), 'more\n'),
    rebuilt: ['layer6-app', 'comfyui'],
  },
  {
    change: 'a new line in deps.txt',
    edit: ({ folder }) => appendFile(join(folder, 'deps.txt'), 'spandrel==0.4.1\n'),
    rebuilt: ['layer4-deps', 'comfyui'],
  },
  {
    change: 'a changed wheel of layer 3',
    edit: ({ folder }) => replace(join(folder, 'wheels/torch.whl'), '2.10.0', '2.11.0'),
    rebuilt: ['layer2-wheels', 'layer3-pytorch', 'layer4-deps', 'layer5-perf', 'comfyui'],
  },
  {
    change: 'a changed wheel of layer 5',
    edit: ({ folder }) => replace(join(folder, 'wheels/flash_attn.whl'), '2.8.3', '2.8.4'),
    rebuilt: ['layer2-wheels', 'layer3-pytorch', 'layer4-deps', 'layer5-perf', 'comfyui'],
  },
  {
    change: 'a changed interpreter in python/',
    edit: ({ folder }) => appendFile(join(folder, 'python/interpreter.sh'), '# changed\n'),
    rebuilt: ['layer1-python', 'layer3-pytorch', 'layer4-deps', 'layer5-perf', 'comfyui'],
  },
  {
    change: 'a changed build helper in base/',
    edit: ({ folder }) => appendFile(join(folder, 'base/build.sh'), '# changed\n'),
    rebuilt: everything,
  },
  {
    change: 'a changed file of the image in base/',
    edit: ({ folder }) =>
      replace(join(folder, 'base/etc/os-release'), 'VERSION_ID=1', 'VERSION_ID=2'),
    rebuilt: everything,
  },
  {
    change: 'another busybox',
    edit: ({ busybox }) => appendFile(join(busybox, 'bin/busybox'), '\n'),
    rebuilt: everything,
  },
  {
    change: 'a changed README.md',
    edit: ({ folder }) => appendFile(join(folder, 'README.md'), 'More.\n'),
    rebuilt: [],
  },
  {
    change: 'another file beside the busybox that is handed in',
    edit: ({ busybox }) => writeFile(join(busybox, 'notes'), 'unrelated\n'),
    rebuilt: [],
  },
];

/** Replaces a text that must be there: an edit that does nothing would prove nothing. */
async function replace(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  assert.ok(text.includes(from), `${file} does not have ${from}`);
  await writeFile(file, text.replace(from, to));
}

function changed(
  before: Record<TargetName, Target>,
  after: Record<TargetName, Target>,
  field: keyof Target,
): TargetName[] {
  return targetNames.filter(name => before[name][field] !== after[name][field]);
}

describe('a change rebuilds no more than the table says', () => {
  for (const { change, edit, rebuilt } of rebuilds) {
    test(`${change}: ${rebuilt.join(', ') || 'nothing'}`, async context => {
      const example = await copyExample(context);
      const before = await evaluateTargets(example);
      await edit(example);
      const after = await evaluateTargets(example);
      assert.deepEqual(changed(before, after, 'drv'), rebuilt);
      assert.deepEqual(changed(before, after, 'out'), rebuilt);
    });
  }

  test('a changed line of deps.txt: that package alone, within layer 4', async context => {
    const example = await copyExample(context);
    const before = await evaluateTargets(example);
    await replace(join(example.folder, 'deps.txt'), 'kornia==0.8.2', 'kornia==0.8.3');
    const after = await evaluateTargets(example);
    const old = await query('--references', before['layer4-deps'].drv);
    const added = (await query('--references', after['layer4-deps'].drv)).difference(old);
    assert.deepEqual([...added].map(withoutHash), ['kornia-0.8.3.drv']);
  });
});

describe('derivations', () => {
  test('layer 6 is built from none of the layers below it', async context => {
    const targets = await evaluateTargets(await copyExample(context));
    const needed = await query('--requisites', targets['layer6-app'].drv);
    const derivations = [...needed].filter(path => path.endsWith('.drv')).map(withoutHash);
    assert.deepEqual(derivations.sort(), ['comfyui-app.drv', 'layer6-app.drv']);
  });

  test('layer 5 is not built from layer 4', async context => {
    const targets = await evaluateTargets(await copyExample(context));
    const needed = await query('--requisites', targets['layer5-perf'].drv);
    assert.ok(needed.has(targets['layer3-pytorch'].drv));
    assert.ok(!needed.has(targets['layer4-deps'].drv));
  });

  test('both architectures have every target', async context => {
    const example = await copyExample(context);
    for (const architecture of ['x86_64-linux', 'aarch64-linux']) {
      const systems = await evaluate<Record<string, string>>(
        example,
        architecture,
        'builtins.mapAttrs (_: target: builtins.seq target.drvPath target.system)',
      );
      const expected = [...targetNames, 'default'].map(name => [name, architecture]);
      assert.deepEqual(systems, Object.fromEntries(expected));
    }
  });

  test('a line of deps.txt that is no requirement is named', async context => {
    const example = await copyExample(context);
    await appendFile(join(example.folder, 'deps.txt'), 'kornia >= 1\n');
    await assert.rejects(evaluateTargets(example), /expected name==version, found: kornia >= 1/);
  });
});

describe('the flake', () => {
  test('without a busybox it says how to hand one in, and stays as it is', async context => {
    const { folder } = await copyExample(context);
    const lock = await readFile(join(folder, 'flake.lock'));
    const evaluation = nix(['eval', `path:${folder}#comfyui.drvPath`]);
    await assert.rejects(evaluation, /has no bin\/busybox[\s\S]*--override-input busybox path:DIR/);
    assert.deepEqual(await readFile(join(folder, 'flake.lock')), lock);
  });

  test('as part of a git repository it is the same, and leaves nothing behind', async context => {
    const example = await copyExample(context);
    const { comfyui } = await evaluateTargets(example);
    const repository = join(example.folder, '../repository');
    const folder = join(repository, 'examples/hermetic');
    await cp(example.folder, folder, { recursive: true });
    await run('git', ['init', '--quiet', repository]);
    await run('git', ['add', '.'], repository);
    const drv = await nix(['eval', '--raw', '.#comfyui.drvPath', ...withBusybox(example)], folder);
    assert.equal(drv, comfyui.drv);
    assert.equal(await run('git', ['diff'], repository), '');
    assert.equal(await run('git', ['ls-files', '--others'], repository), '');
  });

  test('its recipe names every layer in order, and ships all but the wheels', async context => {
    const layers = await evaluate<{ name: string; image: boolean; drv: string }[]>(
      await copyExample(context),
      `${system}.comfyui.passthru.recipe.layers`,
      'map (l: { inherit (l) name; image = l.image or true; drv = l.target.drvPath; })',
    );
    assert.deepEqual(
      layers.map(({ name }) => name),
      targetNames.filter(name => name !== 'comfyui'),
    );
    assert.deepEqual(
      layers.filter(({ image }) => image).map(({ name }) => name),
      shipped,
    );
  });
});

describe('built in a sandbox without /bin/sh', () => {
  test('closures grow from layer to layer, and the entrypoint reaches each', async context => {
    const example = await copyExample(context);
    const targets = await evaluateTargets(example);
    const link = join(example.folder, '../result');
    await nix([
      ...['build', `path:${example.folder}#comfyui`, '--out-link', link],
      ...withBusybox(example),
      ...['--option', 'sandbox', 'true', '--option', 'sandbox-fallback', 'false'],
      ...['--option', 'sandbox-paths', '', '--option', 'substituters', ''],
    ]);
    assert.deepEqual((await readdir(link)).sort(), [...shipped].sort());
    await checkClosures(targets);
    const root = await composeRoot(
      context,
      shipped.map(name => targets[name].out),
    );
    assert.match(
      await runIn(root, '/bin/python', '/opt/comfyui/main'),
      /^ComfyUI 0\.38\.0 ready on Hermetic example 1: numpy 2\.3\.5, torch 2\.10\.0\+cu130, /,
    );
  });
});

/** Runtime closures: what is subtracted from what, when an image is made of these layers. */
async function checkClosures(targets: Record<TargetName, Target>): Promise<void> {
  const closureOf = (name: TargetName) => query('--requisites', targets[name].out);
  const layers = async (name: TargetName) => {
    const closure = await closureOf(name);
    return targetNames.filter(other => closure.has(targets[other].out));
  };
  assert.deepEqual(await layers('layer0-base'), ['layer0-base']);
  assert.deepEqual(await layers('layer1-python'), ['layer0-base', 'layer1-python']);
  const pytorch: TargetName[] = ['layer0-base', 'layer1-python', 'layer3-pytorch'];
  assert.deepEqual(await layers('layer3-pytorch'), pytorch);
  assert.deepEqual(await layers('layer4-deps'), [...pytorch, 'layer4-deps']);
  assert.deepEqual(await layers('layer5-perf'), [...pytorch, 'layer5-perf']);
  assert.deepEqual(await layers('layer6-app'), ['layer6-app']);

  const own = (await closureOf('layer4-deps')).difference(await closureOf('layer3-pytorch'));
  assert.deepEqual([...own].map(withoutHash).sort(), [
    'einops-0.8.1',
    'kornia-0.8.2',
    'layer4-deps',
    'safetensors-0.7.0',
  ]);
}
