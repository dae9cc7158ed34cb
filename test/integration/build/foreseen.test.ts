// Runs that end before they begin, and plans where something is broken.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PlanRecord } from '../../../src/record/types.ts';
import { startMoodyCache } from '../../tools/cache-stand-in.ts';
import { startRegistry } from '../../tools/registry.ts';
import { emptyExample, system } from './hermetic-example.ts';
import { freshMachine, program } from './machine.ts';

/** An image of a tool and an app, one that another tool has made, and one that cannot be evaluated. */
const flakeOf = (tool: string) => `{
  inputs.busybox = { follows = ""; flake = false; };
  outputs = { self, busybox }: let
    make = name: script: derivation {
      inherit name; system = "${system}"; builder = "\${busybox}/bin/busybox";
      args = [ "sh" "-c" "b=\${busybox}/bin/busybox; \${script}" ];
    };
    tool = make "tool-${tool}" "$b mkdir $out; echo ${tool} > $out/tool";
    app = make "app" "$b mkdir $out; echo \${tool} > $out/app";
    layer = name: target: { inherit name target; };
  in {
    comfyui = app // { recipe = {
      name = "demo"; tag = "x"; layers = [ (layer "tool" tool) (layer "app" app) ];
    }; };
    made = make "made.tar" ''
      cd "$TMPDIR"; echo \${tool} > file; $b tar -cf layer.tar file
      sum=$($b sha256sum layer.tar | $b cut -c1-64)
      echo "{\\"rootfs\\":{\\"type\\":\\"layers\\",\\"diff_ids\\":[\\"sha256:$sum\\"]}}" > config.json
      echo '[{"Config":"config.json","RepoTags":["app:x"],"Layers":["layer.tar"]}]' > manifest.json
      $b tar -cf $out config.json layer.tar manifest.json
    '';
    broken = builtins.throw "no such luck";
  };
}`;

async function scene(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const example = await emptyExample(t);
  const machine = await freshMachine(t);
  const image = (name: string) => ['--image', `${registry.address}/comfy/${name}`];
  return {
    registry,
    write: (tool: string) => writeFile(join(example.folder, 'flake.nix'), flakeOf(tool)),
    build: (...args: string[]) => machine.build(example, [...image('demo'), ...args]),
    plan: async (attributes: readonly string[], ...args: string[]) => {
      const run = await machine.command([
        ...[process.execPath, program, 'plan', '--json', '--no-cuda-caches', ...args],
        ...(args.includes('--image') ? [] : image('demo')),
        ...['--override-inputs', `busybox=path:${example.busybox}`],
        ...attributes.map(attribute => `path:${example.folder}#${attribute}`),
      ]);
      const text = run.stdout.toString();
      return { ...run, plan: text === '' ? undefined : (JSON.parse(text) as PlanRecord) };
    },
  };
}

test('a run that would build what is forbidden, or break a limit, ends before it begins', async t => {
  const { write, build } = await scene(t);
  await write('1.0');
  const first = await build('--forbid-builds', 'tool');
  assert.equal(first.code, 1);
  assert.match(first.stderr, /1 derivation would be built that `--forbid-builds` names: tool-1\.0/);
  assert.deepEqual(first.record?.image?.movedTags, []);
  const slow = ['--limits', 'build-time < 5m', '--limits-mode', 'fail'];
  const limited = await build(...slow, '--unknown-build-time', '1h');
  assert.equal(limited.code, 1);
  assert.match(limited.stderr, /build-time < 5m would be broken: it would be 2 h 00 min/);
  assert.equal((await build(...slow, '--forbid-builds', 'torch,xformers*')).code, 0);

  await write('2.0');
  const again = await build('--forbid-builds', 'too*');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /tool 1\.0 → 2\.0/, 'the cause is told');
  assert.deepEqual(
    again.record?.layers.flatMap(layer => layer.builtDerivations),
    [],
  );
});

test('plans tell of several images, of those of other tools, and of what is broken', async t => {
  const { registry, write, build, plan } = await scene(t);
  await write('1.0');
  assert.equal((await build()).code, 0);

  const both = await plan(['comfyui', 'made']);
  assert.equal(both.code, 0, both.stderr);
  assert.deepEqual(
    both.plan?.images.map(({ upToDate, layers }) => [upToDate, layers.map(({ state }) => state)]),
    [
      [true, ['registry', 'registry']],
      [false, ['build']],
    ],
  );

  const broken = await plan(['broken', 'comfyui']);
  assert.equal(broken.code, 1);
  assert.equal(broken.plan?.images.length, 1, 'the other one is told of');
  assert.match(broken.stderr, /no such luck/);
  assert.doesNotMatch(broken.stderr, /while (evaluating|calling)/);

  const cache = await startMoodyCache(t.name);
  t.after(() => cache.stop());
  cache.mood = 'broken';
  await write('2.0');
  const without = await plan(['comfyui'], '--extra-substituters', cache.url);
  assert.equal(without.plan?.leftOut[0]?.cache, cache.url);

  await registry.stop();
  const unread = await plan(['comfyui'], '--exit-code');
  const [image] = unread.plan?.images ?? [];
  assert.match(image?.unknown ?? '', /is not known/);
  assert.deepEqual([unread.code, image?.upToDate, image?.forecast.layersToMake], [3, undefined, 2]);
});
