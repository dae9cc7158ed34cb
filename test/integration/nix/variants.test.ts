import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { type EvaluatedVariant, evaluateVariants } from '../../../src/nix/evaluate-variants.ts';
import { machineSystem } from '../../../src/nix/system.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { workbench, writeFlake } from './workbench.ts';

/** Aliases, a layer, an image of another name, one of another tool, names with dots. */
const packages = `
  layer0 = sh "layer0-base" "echo base > $out" { };
  image = name: tag: more: sh "image-\${tag}" "echo \${tag} > $out" { } // {
    recipe = { inherit name tag; layers = [ { name = "layer0-base"; target = layer0; } ]; } // more;
  };
  comfyui-cu130-py313 = image "comfyui" "cu130" { matrix = { cuda = "13.0"; gpu = true; jobs = 2; }; };
  comfyui = comfyui-cu130-py313;
  default = comfyui;
  comfyui-12-8 = image "comfyui" "cu128" { };
  "comfyui-v1.2" = image "comfyui" "v1.2" { };
  small = image "comfyui" "small" { };
  other = image "other" "latest" { };
  comfyui-docker = sh "docker" "echo > $out" { } // { imageName = "comfyui"; imageTag = "docker"; };
  comfyui-notes = layer0;
`;

const broken = `
  comfyui-throws = throw "out of cheese";
  comfyui-wrong = image "comfyui" "wrong" { matrix.tags = "x"; };
  elsewhere = throw "not on this platform";
`;

/** What no tryEval catches. */
const fatal = `comfyui-fatal = image "comfyui" (1 + "x") { };`;

async function bench(t: TestContext, content: string) {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, content);
  let processes = 0;
  const run: Nix['host']['run'] = command => {
    processes += 1;
    return nix.host.run(command);
  };
  const counting = { ...nix, host: { ...nix.host, run } };
  const settings = { cwd: join(folder, 'flake'), overrideInputs: [], acceptFlakeConfig: false };
  const variants = (patterns?: readonly string[], own = ['comfyui', 'default']) => {
    processes = 0;
    const asked = { flake: '.', system: machineSystem(), patterns, own };
    return evaluateVariants(counting, asked, settings);
  };
  return { variants, processes: () => processes };
}

const names = (variants: readonly EvaluatedVariant[]) => variants.map(each => each.attribute);
const told = (variants: readonly EvaluatedVariant[]) =>
  Object.fromEntries(
    variants.map(each => [
      each.attribute,
      'failure' in each ? each.failure.message : (each.evaluation.recipe?.tag ?? 'no recipe'),
    ]),
  );

test("the flake's own variants, each once, in one process", async t => {
  const { variants, processes } = await bench(t, packages);
  const own = await variants();
  assert.equal(processes(), 1);
  const expected = ['comfyui-12-8', 'comfyui-cu130-py313', 'comfyui-v1.2', 'small'];
  assert.deepEqual(
    names(own).filter(name => name !== 'comfyui-docker'),
    expected,
  );
  const evaluations = own.flatMap(each => ('evaluation' in each ? [each.evaluation] : []));
  assert.ok(evaluations.every(({ locked, target }) => !locked && target.outPath !== ''));
  assert.deepEqual(evaluations.find(({ recipe }) => recipe?.tag === 'cu130')?.recipe?.matrix, {
    ...{ cuda: '13.0', gpu: 'true', jobs: '2' },
  });
  assert.equal(
    own.find(each => each.attribute === 'comfyui-v1.2')?.installable,
    '.#"comfyui-v1.2"',
  );
});

test('names and globs; globs mean images alone', async t => {
  const { variants } = await bench(t, packages);
  assert.deepEqual(names(await variants(['comfyui-*'])), [
    ...['comfyui-12-8', 'comfyui-cu130-py313', 'comfyui-docker', 'comfyui-v1.2'],
  ]);
  assert.deepEqual(names(await variants(['comfyui', 'comfyui-cu*', 'oth?r'])), [
    'comfyui',
    'other',
  ]);
  assert.deepEqual(names(await variants(['comfyui-v1.2', 'layer0'])), ['comfyui-v1.2', 'layer0']);
});

test('what is broken hides no other, and is said as when it is alone', async t => {
  const { variants, processes } = await bench(t, packages + broken);
  const found = told(await variants(['comfyui-*', 'comfyui-gone']));
  // one for all, one for each that is not evaluated with them, one for names that are like the missing one
  assert.equal(processes(), 4);
  assert.equal(found['comfyui-cu130-py313'], 'cu130');
  assert.equal(found['comfyui-throws'], '.#comfyui-throws cannot be evaluated.');
  assert.match(found['comfyui-wrong'] ?? '', /^recipe\.matrix\."tags": a row of the matrix/);
  assert.match(found['comfyui-gone'] ?? '', /^The flake has no target \.#comfyui-gone\./);
  assert.equal(Object.keys(found).length, 7);
});

test('what ends the whole evaluation is found by halves', async t => {
  const { variants } = await bench(t, packages + broken + fatal);
  for (const patterns of [['comfyui-*'], undefined]) {
    const found = told(await variants(patterns));
    assert.equal(found['comfyui-cu130-py313'], 'cu130');
    assert.equal(found['comfyui-v1.2'], 'v1.2');
    assert.equal(found['comfyui-fatal'], '.#comfyui-fatal cannot be evaluated.');
    assert.equal(found['comfyui-throws'], '.#comfyui-throws cannot be evaluated.');
  }
});

test("where the flake's own image is broken, nothing is known of the others", async t => {
  const { variants } = await bench(t, `${packages} ${broken}`);
  await assert.rejects(variants(undefined, ['comfyui-throws']), {
    name: 'Failure',
    message: '.#comfyui-throws cannot be evaluated.',
  });
});

test('where nothing is meant it is said what was looked for', async t => {
  const { variants } = await bench(t, packages);
  const failure = async (...asked: Parameters<typeof variants>) => {
    const error = await variants(...asked).catch((reason: unknown) => reason);
    assert.ok(error instanceof Failure, String(error));
    return `${error.message} ${error.details.tried}`;
  };
  assert.match(
    await failure(['flux-*', 'sd?']),
    /^The flake \. has no variants: nothing in packages\.\S+ fits\. .*`variants`: flux-\*, sd\?\.$/,
  );
  assert.match(await failure(undefined, ['none']), /^The flake \. has no image of its own in pack/);
  assert.match(
    await failure(undefined, ['layer0']),
    /^The flake \. has no image of its own in pack/,
  );
});
