// What a workflow makes its matrix of: variants of one flake, one in the registry, one not, one broken.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startRegistry } from '../../tools/registry.ts';
import { startRunner } from '../../tools/runner.ts';
import { writeFlake } from '../nix/workbench.ts';

const dist = (name: string) => fileURLToPath(new URL(`../../../dist/${name}.js`, import.meta.url));

const packages = `
  base = sh "base" "echo base > $out" { };
  image = tag: matrix: sh "image-\${tag}" "echo \${tag} > $out" { } // {
    recipe = {
      inherit tag matrix;
      name = "comfyui";
      layers = [ { name = "layer0-base"; target = base; } { name = "layer6-app"; target = sh "app-\${tag}" "echo \${tag} > $out" { }; } ];
    };
  };
  comfyui-a = image "a" { cuda = "13.0"; };
  comfyui-b = image "b" { cuda = "12.8"; gpu = true; };
  comfyui-c = image "c" { cuda = throw "out of cheese"; };
  comfyui = comfyui-a;
`;

async function bench(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'matrix-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFlake(folder, packages);
  const flake = `path:${folder}/flake`;
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const runner = await startRunner();
  t.after(() => runner.dispose());
  const image = `${registry.address}/comfy/demo`;
  const common = { image, 'install-nix': 'none', 'cuda-caches': 'false', 'github-cache': 'false' };
  const run = (inputs: Record<string, string>) =>
    runner.run(dist('main'), { inputs: { ...common, ...inputs } });
  const cli = (...args: string[]) =>
    spawnSync(process.execPath, [dist('cli'), ...args, '--no-cuda-caches'], {
      ...{ cwd: folder, encoding: 'utf8' },
      env: { ...process.env, GITHUB_ACTIONS: '', RUNNER_TEMP: '' },
    });
  return { flake, image, run, cli };
}

test('the matrix has what is to be built, the broken one is told of, and what is there is left out', async t => {
  const { flake, image, run, cli } = await bench(t);
  const built = await run({ flake: `${flake}#comfyui-a`, tags: 'a\nmain-a' });
  assert.equal(built.code, 0, built.log);

  const plan = { command: 'plan', flake, tags: '{variant}\nmain' };
  const own = await run({ ...plan, variants: 'auto' });
  assert.equal(own.code, 1, own.log);
  const b = {
    ...{ flake: `${flake}#comfyui-b`, image, tags: 'b\nmain-b', variant: 'b' },
    ...{ cuda: '12.8', gpu: 'true' },
  };
  assert.deepEqual(JSON.parse(own.outputs.matrix ?? ''), { include: [b] });
  assert.deepEqual([own.outputs.any, own.outputs.count], ['true', '1']);
  assert.match(own.log, /comfyui-c cannot be evaluated\.[\s\S]*out of cheese/);
  assert.match(own.summary, /comfyui-b/);

  const unchanged = await run({ ...plan, variants: 'comfyui-a', 'include-unchanged': 'true' });
  assert.deepEqual([unchanged.code, unchanged.outputs.count], [0, '1'], unchanged.log);
  const none = await run({ ...plan, variants: 'comfyui-a' });
  assert.deepEqual([none.code, none.outputs.any, none.outputs.count], [0, 'false', '0']);
  assert.deepEqual(JSON.parse(none.outputs.matrix ?? ''), { include: [] });
  // a tag that does not name it yet is something to do
  const tagged = await run({ ...plan, variants: 'comfyui-a', tags: 'v1' });
  assert.equal(JSON.parse(tagged.outputs.matrix ?? '').include[0].tags, 'v1-a');

  const asked = ['plan', flake, '--image', image, '--variants'];
  const { status, stdout } = cli(...asked, 'comfyui-?', '--json');
  assert.equal(status, 1);
  const tags = JSON.parse(stdout).matrix.include.map((row: { tags: string }) => row.tags);
  // without the label of a repository, which the workflow gave it, it is another image
  assert.deepEqual(tags, ['a', 'b']);
  const nothing = cli('plan', flake, '--image', image, '--variants', 'flux-*');
  assert.equal(nothing.status, 1);
  assert.match(nothing.stderr, /has no variants: nothing in packages\.\S+ fits\.[\s\S]*flux-\*/);
});
