import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { compareRecords } from '../../../src/record/compare.ts';
import { startRegistry } from '../../tools/registry.ts';
import { emptyExample, system } from './hermetic-example.ts';
import { byLayer, freshMachine, type RunOptions } from './machine.ts';

/** Layers: `base` with a tool of this version, and `app` on top of it, whose build ends with these commands. */
const flakeOf = (tool: string, app: string, end = '') => `{
  inputs.busybox = { follows = ""; flake = false; };
  outputs = { self, busybox }: let
    make = name: script: derivation {
      inherit name; system = "${system}"; builder = "\${busybox}/bin/busybox";
      args = [ "sh" "-c" "\${busybox}/bin/busybox mkdir $out; \${script}" ];
    };
    tool = make "tool-${tool}" "echo ${tool} > $out/tool";
    data = make "data-5.1" "\${busybox}/bin/busybox head -c 3000000 /dev/urandom > $out/data";
    base = make "base" "echo \${tool} > $out/tool";
    app = make "app" "echo ${app} \${base} \${data} > $out/app; ${end}";
    layer = name: target: { inherit name target; };
  in { comfyui = app // { recipe = {
    name = "demo"; tag = "x";
    layers = [ (layer "data" data) (layer "base" base) (layer "app" app) ];
  }; }; };
}`;

async function scene(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const example = await emptyExample(t);
  const machine = await freshMachine(t);
  return async (flake: string, args: readonly string[] = [], options: RunOptions = {}) => {
    await writeFile(join(example.folder, 'flake.nix'), flake);
    const image = `${registry.address}/comfy/demo`;
    const run = await machine.build(example, ['--image', image, ...args], options);
    return { ...run, record: run.record ?? assert.fail(run.stderr) };
  };
}

test('records of runs tell what each did, and what has changed between them', async t => {
  const build = await scene(t);
  const first = await build(flakeOf('1.0', 'one'));
  const second = await build(flakeOf('2.0', 'two'));

  assert.deepEqual(
    byLayer(second, layer => layer.origin),
    {
      ...{ data: 'reused', base: 'built', app: 'built', root: 'reused' },
    },
  );
  const [before] = first.record.layers;
  const [reused] = second.record.layers;
  assert.equal(reused?.makingSeconds, before?.makingSeconds, 'as the run before has told');
  const saved = byLayer(second, layer => (layer.origin === 'reused' ? layer.makingSeconds : 0));
  const sum = Object.values(saved).reduce<number>((all, seconds) => all + (seconds ?? 0), 0);
  assert.equal(second.record.savedSeconds, Math.round(sum * 1000) / 1000);
  assert.deepEqual(second.record.image?.movedTags, ['x']);
  const kinds = new Set(
    second.record.spans.map(({ kind, layer = '' }) => `${kind} ${layer}`.trim()),
  );
  for (const kind of ['evaluate', 'set-up', 'memory-read', 'build base', 'upload app', 'tag']) {
    assert.ok(kinds.has(kind), `${kind} is not among ${[...kinds].join(', ')}`);
  }

  const { packages, pullBytes, layers } = compareRecords(first.record, second.record);
  assert.deepEqual(packages, {
    ...{ added: [], removed: [] },
    updated: [{ name: 'tool', layer: 'base', from: '1.0', to: '2.0' }],
  });
  assert.equal(pullBytes, second.record.sentBytes);
  assert.deepEqual(
    layers.filter(({ isChanged }) => isChanged).map(({ name }) => name),
    ['base', 'app'],
  );

  const unchanged = await build(flakeOf('2.0', 'two'));
  assert.equal(unchanged.record.sentBytes, 0);
  assert.deepEqual(unchanged.record.image?.movedTags, []);
  assert.ok((unchanged.record.savedSeconds ?? 0) > (second.record.savedSeconds ?? 0));
});

test('what a run would have pushed, and what one that fails has come to', async t => {
  const build = await scene(t);
  await build(flakeOf('1.0', 'one'));
  const { record } = await build(flakeOf('1.0', 'two'), ['--no-push']);
  const unsent = record.wouldPush ?? assert.fail();
  assert.deepEqual([unsent.layers.map(({ name }) => name), unsent.tags], [['app'], ['x']]);
  const { narSize = 0 } = unsent;
  assert.ok(narSize > 0 && narSize < 100_000, `${narSize}`);

  const failed = await build(flakeOf('1.0', 'three', 'exit 7'));
  assert.deepEqual([failed.code, failed.record.outcome], [1, 'failure']);
  assert.deepEqual(
    byLayer(failed, layer => layer.origin),
    {
      ...{ data: 'reused', base: 'reused', app: 'failed' },
    },
  );
  const builds = failed.record.spans.filter(({ kind }) => kind === 'build');
  assert.deepEqual(
    builds.map(({ layer, ended }) => [layer, ended]),
    [['app', 'failed']],
  );
});

test('what was under way in a run that is interrupted has not come to its end', async t => {
  const build = await scene(t);
  const end = `echo waiting; \${busybox}/bin/busybox sleep 60`;
  const { code, record, stderr } = await build(flakeOf('1.0', 'one', end), [], {
    onOutput: { pattern: /app> waiting/, act: pid => process.kill(pid, 'SIGINT') },
  });
  assert.deepEqual([code, record.outcome], [130, 'cancelled']);
  const app = record.layers.find(({ name }) => name === 'app');
  assert.deepEqual([app?.origin, app?.builtDerivations[0]?.ended], ['cancelled', 'cancelled']);
  assert.doesNotMatch(stderr, /built app/);
  assert.deepEqual(
    record.warnings.filter(warning => /audit/.test(warning)),
    [],
  );
});
