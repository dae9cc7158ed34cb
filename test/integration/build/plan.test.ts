// What is foreseen, and why, and what then really is done.
import assert from 'node:assert/strict';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ImagePlan, PlanRecord } from '../../../src/record/types.ts';
import { startCountedCache } from '../../tools/cache-stand-in.ts';
import { startRegistry } from '../../tools/registry.ts';
import { emptyExample, system } from './hermetic-example.ts';
import { freshMachine, type Machine, program } from './machine.ts';

/** Of the flake: which version a package of its own has, and what a library of nixpkgs says. */
interface Versions {
  tool: string;
  library: string;
  requirements: string;
}

const first: Versions = { tool: '1.0', library: '1.0', requirements: 'one' };

/** Layers: `library` of nixpkgs, `tool` and `app` on top of both. */
const flakeOf = ({ tool }: Versions, nixpkgs: string) => `{
  inputs.busybox = { follows = ""; flake = false; };
  inputs.nixpkgs = { url = "path:${nixpkgs}"; flake = false; };
  outputs = { self, busybox, nixpkgs }: let
    make = import "\${nixpkgs}/make.nix" { inherit busybox; system = "${system}"; };
    data = size: "\${busybox}/bin/busybox head -c \${toString size} /dev/urandom > $out/data;";
    library = (import nixpkgs make (data 500000)).library;
    tool = make "tool-${tool}" { } "\${data 2000000}";
    app = make "app" { inherit library tool; requirements = ./requirements.txt; } ''
      \${busybox}/bin/busybox cat $requirements $library/text > $out/app; echo $tool >> $out/app
      \${data 1000000}
    '';
    layer = name: target: { inherit name target; };
  in { comfyui = app // { recipe = {
    name = "demo"; tag = "x";
    layers = [ (layer "library" library) (layer "tool" tool) (layer "app" app) ];
  }; }; };
}`;

const makeNix = `{ busybox, system }: name: more: script: builtins.derivation ({
  inherit name system; builder = "\${busybox}/bin/busybox";
  args = [ "sh" "-c" "\${busybox}/bin/busybox mkdir $out; \${script}" ];
} // more)`;

const nixpkgsOf = ({ library }: Versions) => `make: data: {
  library = make "library-${library}" { } "echo ${library} > $out/text; \${data}" // {
    meta.position = toString ./default.nix + ":1";
  };
}`;

/** A machine that builds, one that has nothing, a registry and a signed cache with what was built. */
async function scene(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.stop());
  const cache = await startCountedCache(t);
  const example = await emptyExample(t);
  const parent = dirname(example.folder);
  const nixpkgs = join(parent, 'nixpkgs');
  await mkdir(join(nixpkgs, 'pkgs/stdenv'), { recursive: true });
  await writeFile(join(nixpkgs, 'make.nix'), makeNix);
  const [builder, other] = [await freshMachine(t), await freshMachine(t)];

  const lock = async (day: string) => {
    const at = new Date(`${day}T12:00:00Z`);
    for (const name of ['make.nix', 'default.nix', 'pkgs/stdenv', 'pkgs', '']) {
      await utimes(join(nixpkgs, name), at, at);
    }
    await rm(join(example.folder, 'flake.lock'), { force: true });
    const locking = ['--extra-experimental-features', 'nix-command flakes', 'flake', 'lock'];
    const { code, stderr } = await builder.command(['nix', ...locking, `path:${example.folder}`]);
    assert.equal(code, 0, stderr);
  };
  const write = async (versions: Versions) => {
    await writeFile(join(example.folder, 'flake.nix'), flakeOf(versions, nixpkgs));
    await writeFile(join(example.folder, 'requirements.txt'), versions.requirements);
    await writeFile(join(nixpkgs, 'default.nix'), nixpkgsOf(versions));
  };
  const key = join(parent, 'key');
  const image = ['--image', `${registry.address}/comfy/demo`];
  const publicKey = await makeKey(builder, key);
  const caches = [
    ...['--extra-substituters', cache.url],
    ...['--extra-trusted-public-keys', publicKey],
  ];
  const ask = (machine: Machine, verb: string, ...args: string[]) =>
    machine.command([
      ...[process.execPath, program, verb, ...args, '--no-cuda-caches', ...image, ...caches],
      ...['--override-inputs', `busybox=path:${example.busybox}`],
    ]);
  const installable = `path:${example.folder}#comfyui`;
  return {
    builder,
    other,
    cache,
    write,
    lock,
    build: async (machine: Machine, ...args: string[]) => {
      const run = await machine.build(example, [...image, ...caches, ...args]);
      assert.equal(run.code, 0, run.stderr);
      return run.record ?? assert.fail(run.stderr);
    },
    copyToCache: async (paths: readonly string[]) => {
      const to = `${cache.folder}?secret-key=${key}`;
      const copying = ['--extra-experimental-features', 'nix-command', 'copy', '--to', to];
      const { code, stderr } = await builder.command(['nix', ...copying, ...paths]);
      assert.equal(code, 0, stderr);
    },
    plan: async (machine: Machine, ...args: string[]) => {
      const run = await ask(machine, 'plan', installable, '--json', ...args);
      const record: PlanRecord = JSON.parse(run.stdout.toString() || assert.fail(run.stderr));
      return { code: run.code, image: record.images[0] ?? assert.fail(run.stderr) };
    },
    why: async (machine: Machine, ...args: string[]) => {
      const run = await ask(machine, 'why', ...args, '--flake', installable);
      assert.equal(run.code, 0, run.stderr);
      return run.stdout.toString().trim().split('\n');
    },
  };
}

async function makeKey({ command }: Machine, file: string): Promise<string> {
  const nixKey = ['--extra-experimental-features', 'nix-command', 'key'];
  const { stdout } = await command(['nix', ...nixKey, 'generate-secret', '--key-name', 'test-1']);
  await writeFile(file, stdout, { mode: 0o600 });
  const script = `nix ${nixKey.map(word => `'${word}'`).join(' ')} convert-secret-to-public < ${file}`;
  return (await command(['sh', '-c', script])).stdout.toString().trim();
}

const states = ({ layers }: ImagePlan) =>
  Object.fromEntries(layers.map(({ name, state }) => [name, state]));
const builds = ({ layers }: ImagePlan) =>
  layers.flatMap(({ derivations }) => derivations.map(({ derivation }) => derivation)).sort();
const causes = ({ why }: ImagePlan) => why?.causes.map(({ text, layers }) => [text, layers]);

test('what a build will do is told, and why, and it does just that', async t => {
  const { builder, other, cache, write, lock, build, plan, why, copyToCache } = await scene(t);
  await write(first);
  await lock('2026-10-01');

  const nothingYet = await plan(builder);
  assert.deepEqual(states(nothingYet.image), { library: 'build', tool: 'build', app: 'build' });
  assert.equal(nothingYet.image.forecast.builds, 3);
  assert.equal(nothingYet.image.upToDate, false);
  const made = await build(builder);
  assert.equal(made.predicted?.builds, 3);
  await copyToCache(made.layers.flatMap(({ outPath }) => outPath ?? []));

  const same = await plan(other, '--exit-code');
  assert.deepEqual([same.code, same.image.upToDate], [0, true]);
  assert.deepEqual(states(same.image), { library: 'registry', tool: 'registry', app: 'registry' });
  assert.deepEqual(await why(other), ['No layer would be made anew.']);
  const anew = await plan(other, '--no-reuse');
  assert.deepEqual(states(anew.image), { library: 'cache', tool: 'cache', app: 'cache' });
  assert.deepEqual(
    anew.image.layers.map(layer => [layer.cache, (layer.fetchBytes ?? 0) > 0]),
    Array(3).fill([cache.url, true]),
  );
  assert.deepEqual(cache.taken(), [], 'nothing is fetched for any of it');

  await t.test('a file that changed', async () => {
    await write({ ...first, requirements: 'two' });
    const { code, image } = await plan(other, '--exit-code');
    assert.deepEqual([code, image.upToDate], [3, false]);
    assert.deepEqual(states(image), { library: 'registry', tool: 'registry', app: 'build' });
    assert.deepEqual(causes(image), [['`requirements.txt` changed', ['app']]]);
    assert.deepEqual(await why(other, 'app'), [
      'app ← app',
      'app: `requirements.txt` changed',
      '1 cause, 1 rebuild',
    ]);
    const done = await build(other);
    await assertForeseen(image, done);
  });

  await t.test('a package that was updated', async () => {
    await write({ ...first, requirements: 'two', tool: '2.0' });
    const { image } = await plan(other);
    assert.deepEqual(states(image), { library: 'registry', tool: 'build', app: 'build' });
    assert.deepEqual(causes(image), [['tool 1.0 → 2.0', ['tool', 'app']]]);
    await assertForeseen(image, await build(other));
  });

  await t.test('an input that moved', async () => {
    await write({ ...first, requirements: 'two', tool: '2.0', library: '1.1' });
    await lock('2026-11-20');
    const { image } = await plan(other);
    assert.deepEqual(states(image), { library: 'build', tool: 'registry', app: 'build' });
    const text = 'nixpkgs changed (2026-10-01 → 2026-11-20): library 1.0 → 1.1';
    assert.deepEqual(causes(image), [[text, ['library', 'app']]]);
    await assertForeseen(image, await build(other));
  });

  async function assertForeseen(image: ImagePlan, record: Awaited<ReturnType<typeof build>>) {
    const built = record.layers.flatMap(({ builtDerivations }) => builtDerivations);
    assert.deepEqual(built.map(({ derivation }) => derivation).sort(), builds(image));
    assert.equal(record.predicted?.builds, built.length);
    const { bytes, atLeast } = image.forecast.send;
    const isNear = Math.abs(bytes - record.sentBytes) <= record.sentBytes / 10;
    assert.ok(isNear && !atLeast, `${bytes} of ${record.sentBytes}`);
  }
});
