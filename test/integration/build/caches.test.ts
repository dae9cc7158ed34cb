import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type CachixPlan,
  type CachixStandIn,
  installCachixStandIn,
} from '../../tools/cachix-stand-in/install.ts';
import { startRegistry, type TestRegistry } from '../../tools/registry.ts';
import { copyExample, type Example, run, system } from './hermetic-example.ts';
import { freshMachine, type Machine, program } from './machine.ts';

/** Names a cache that is pushed to; what it says of itself cannot be asked for here. */
const cachixArguments = ['--cachix-name', 'mine', '--cachix-push', 'required'];

function cachixEnvironment({ bin }: CachixStandIn): Record<string, string> {
  return {
    PATH: `${bin}:${process.env.PATH}`,
    CACHIX_AUTH_TOKEN: 'token-1',
    // no test depends on public servers: Cachix's API is behind a proxy that is not there
    NODE_USE_ENV_PROXY: '1',
    HTTPS_PROXY: 'http://127.0.0.1:1',
  };
}

async function cachixOf(context: TestContext, plan: Partial<CachixPlan>) {
  const folder = await mkdtemp(join(tmpdir(), 'cachix-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return installCachixStandIn(folder, { caches: { mine: 'token-1' }, ...plan });
}

/** Lets every `daemon stop` be preceded by a garbage collection. */
async function collectBeforeEnd({ bin }: CachixStandIn): Promise<void> {
  await rename(join(bin, 'cachix'), join(bin, 'stand-in'));
  const script = `#!/bin/sh
    if [ "$2" = stop ]; then nix-store --gc >&2 || exit 9; fi
    exec '${bin}/stand-in' "$@"\n`;
  await writeFile(join(bin, 'cachix'), script, { mode: 0o755 });
}

/** A flake with an image of one layer of so many bytes, and one whose image is an archive by itself. */
async function smallFlake(context: TestContext, bytes: number): Promise<Example> {
  const { busybox } = await copyExample(context);
  const folder = await mkdtemp(join(tmpdir(), 'flake-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(
    join(folder, 'flake.nix'),
    `{
      inputs.busybox.flake = false;
      outputs = { self, busybox }: let
        make = name: script: derivation {
          inherit name;
          system = "${system}";
          builder = "\${busybox}/bin/busybox";
          args = [ "sh" "-c" script ];
        };
        base = make "base" "\${busybox}/bin/busybox head -c ${bytes} /dev/zero > $out";
        part = make "part" "echo part > $out";
        archive = make "app.tar" ''
          b=\${busybox}/bin/busybox; cd "$TMPDIR"
          $b cp \${part} file; $b tar -cf layer.tar file
          sum=$($b sha256sum layer.tar | $b cut -c1-64)
          echo "{\\"rootfs\\":{\\"type\\":\\"layers\\",\\"diff_ids\\":[\\"sha256:$sum\\"]}}" > config.json
          echo '[{"Config":"config.json","RepoTags":["app:x"],"Layers":["layer.tar"]}]' > manifest.json
          $b tar -cf $out config.json layer.tar manifest.json
        '';
      in {
        packages.${system} = {
          comfyui = base // {
            recipe = { name = "comfyui"; tag = "x"; layers = [ { name = "base"; target = base; } ]; };
          };
          inherit archive;
          imported = part // {
            recipe = import (make "names" "echo '{ }' > $out") // {
              name = "comfyui"; tag = "x";
              layers = [ { name = "part"; target = part; } ];
            };
          };
        };
      };
    }`,
  );
  return { folder, busybox };
}

/** Works with a machine that has so much room beside its Nix, in bytes. */
async function withRoom({ nix, command }: Machine, room: number, work: () => Promise<void>) {
  await mkdir(nix);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=2g', 'tmpfs', nix]);
  try {
    assert.equal((await command(['nix', '--version'])).code, 0);
    const used = Number((await run('df', ['--output=used', '-B1', nix])).split('\n')[1]);
    await run('mount', ['-o', `remount,size=${used + room}`, nix]);
    await work();
  } finally {
    await run('umount', [nix]);
  }
}

async function isTagged({ address }: TestRegistry): Promise<boolean> {
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  return (await fetch(`http://${address}/v2/demo/manifests/x`, { headers })).ok;
}

test('a required push that fails moves no tag; when it succeeds, the tag moves', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const example = await smallFlake(context, 1000);
  const machine = await freshMachine(context);
  const args = ['--image', `${registry.address}/demo`, ...cachixArguments];

  const refusing = await cachixOf(context, { failing: { '-base': 'HTTP 413' } });
  const failed = await machine.build(example, args, { env: cachixEnvironment(refusing) });
  assert.equal(failed.code, 1, failed.stderr);
  assert.match(failed.stderr, /Not all that was built could be pushed to mine/);
  assert.equal(failed.stderr.match(/Not all that was built/g)?.length, 1, failed.stderr);
  assert.equal(await isTagged(registry), false);
  const { pushes, leftOut } = failed.record?.caches ?? assert.fail();
  assert.deepEqual(
    pushes.map(({ cache, failed: lost }) => [cache, lost]),
    [['mine', 1]],
  );
  assert.equal(pushes[0]?.failures[0]?.reason, 'HTTP 413');
  assert.equal(leftOut[0]?.cache, 'mine.cachix.org');

  const taking = await cachixOf(context, {});
  await collectBeforeEnd(taking);
  const other = await freshMachine(context);
  const again = [...args, '--no-reuse'];
  const done = await other.build(example, again, { env: cachixEnvironment(taking) });
  assert.equal(done.code, 0, done.stderr);
  assert.equal(await isTagged(registry), true);
  assert.deepEqual(done.record?.caches?.pushes, [
    { cache: 'mine', pushed: 1, failed: 0, failures: [] },
  ]);
  const [layer] = done.record?.layers ?? [];
  await lstat(join(other.nix, String(layer?.outPath).replace('/nix/', '')));
});

test('the same for an image that another tool made, whose archive no cache gets', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const example = await smallFlake(context, 1000);
  const machine = await freshMachine(context);
  const refusing = await cachixOf(context, { failing: { '-part': 'denied' } });
  const recordFile = join(machine.home, 'record.json');
  const words = [
    ...[process.execPath, program, 'build', `path:${example.folder}#archive`],
    ...['--override-inputs', `busybox=path:${example.busybox}`, '--no-cuda-caches'],
    ...['--image', `${registry.address}/demo`, '--tags', 'x', '--record', recordFile],
    ...cachixArguments,
  ];
  const env = cachixEnvironment(refusing);
  const failed = await machine.command(words, { env, recordFile });
  assert.equal(failed.code, 1, failed.stderr);
  assert.match(failed.stderr, /^comfy-nix: Not all that was built[\s\S]*denied/m);
  assert.deepEqual(await refusing.uploads(), []);
  assert.equal(await isTagged(registry), false);
});

test('caches get what the flake imports, which is built before they are there', async context => {
  const example = await smallFlake(context, 1000);
  const machine = await freshMachine(context);
  const taking = await cachixOf(context, {});
  const words = [
    ...[process.execPath, program, 'build', `path:${example.folder}#imported`],
    ...['--override-inputs', `busybox=path:${example.busybox}`, '--no-cuda-caches'],
    ...['--image', `oci:${machine.home}/image`, ...cachixArguments],
  ];
  const built = await machine.command(words, { env: cachixEnvironment(taking) });
  assert.equal(built.code, 0, built.stderr);
  const names = (await taking.uploads()).map(({ path }) => path.replace(/^.*\/[0-9a-z]{32}-/, ''));
  assert.deepEqual(new Set(names), new Set(['names', 'part']));
});

test('what one machine built another takes from the cache, unless it cannot fit', async context => {
  const size = 64 * 2 ** 20;
  const example = await smallFlake(context, size);
  const first = await freshMachine(context);
  const cache = `file://${first.home}/cache`;
  const image = ['--image', `oci:${first.home}/image`];
  const built = await first.build(example, [...image, '--binary-caches', cache]);
  assert.equal(built.code, 0, built.stderr);
  assert.deepEqual(built.record?.caches?.pushes, [{ cache, pushed: 1, failed: 0, failures: [] }]);
  assert.equal(built.record?.layers[0]?.builtDerivations[0]?.machine, '');
  const { folder = '', peak = 0 } = built.record?.disk?.fileSystems[0] ?? {};
  assert.match(folder, /^\/nix/);
  assert.ok(peak > 0);

  const taking = ['--no-push', '--extra-substituters', `${cache}?trusted=true`];
  const second = await freshMachine(context);
  const taken = await second.build(example, taking);
  assert.equal(taken.code, 0, taken.stderr);
  const [from, ...others] = taken.record?.caches?.substituters ?? [];
  assert.deepEqual([others, from?.paths], [[], 1]);
  assert.match(from?.cache ?? '', new RegExp(`^${cache}`));
  assert.ok(Math.abs((from?.narSize ?? 0) - size) < 1000, String(from?.narSize));
  assert.match(taken.stderr, /read +1 path, 67\.1 MB/);

  const small = await freshMachine(context);
  await withRoom(small, size / 2, async () => {
    const refused = await small.build(example, taking);
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /does not fit on the disk: it takes 0\.1 GB unpacked/);
    assert.match(refused.stderr, /nothing was fetched/);
    assert.doesNotMatch(refused.stderr, /fetching/);
  });
});
