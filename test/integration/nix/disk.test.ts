import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { placedOn, prepareDisk } from '../../../src/nix/disk.ts';
import { queryNeeds } from '../../../src/nix/disk-needs.ts';
import { measureSpace } from '../../../src/nix/disk-space.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { isAtLeast, runNix } from '../../../src/nix/nix.ts';
import { dropRoots, realise } from '../../../src/nix/realise.ts';
import { queryValid } from '../../../src/nix/store.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { workbench, writeFlake } from './workbench.ts';

const unique = () => `disk-${process.pid}-${Math.random().toString(36).slice(2)}`;

async function targetOf(nix: Nix, folder: string, name: string) {
  const { target } = await evaluate(nix, {
    installables: [`.#${name}`],
    cwd: join(folder, 'flake'),
    overrideInputs: [],
    acceptFlakeConfig: false,
  });
  return target;
}

const withConf = (nix: Nix, ...lines: string[]): Nix => ({
  ...nix,
  env: { ...nix.env, NIX_CONFIG: [nix.env.NIX_CONFIG, ...lines].join('\n') },
});

test('Nix says beforehand what it will fetch, and too much is refused before it starts', async t => {
  const { nix, folder } = await workbench(t);
  const id = unique();
  await writeFlake(
    folder,
    `cached = sh "${id}-cached" "\${shell}/busybox head -c 3000000 /dev/zero > $out" { };
     built = sh "${id}-built" "echo \${cached} > $out" { };`,
  );
  const [cached, built] = [
    await targetOf(nix, folder, 'cached'),
    await targetOf(nix, folder, 'built'),
  ];
  const rootsDirectory = join(folder, 'roots');
  await realise(nix, [cached], { rootsDirectory });
  await runNix(nix, 'nix', ['copy', '--to', `file://${folder}/cache`, cached.outPath]);
  await dropRoots(rootsDirectory);
  await runNix(nix, 'nix-store', ['--delete', cached.outPath]);

  const withCache = withConf(nix, `substituters = file://${folder}/cache?trusted=true`);
  const needs = await queryNeeds(withCache, [built]);
  assert.equal(needs?.builds, 1);
  // Nix 2.34 rounds to a tenth of a MiB
  assert.ok(Math.abs(needs.unpackedBytes - 3_000_000) < 60_000, String(needs.unpackedBytes));
  assert.ok(needs.downloadBytes < needs.unpackedBytes);

  const measure = async (at: string) => ({ ...(await measureSpace(at)), free: 1_000_000 });
  await assert.rejects(prepareDisk(withCache, [built], 'auto', { measure }), Failure);
  assert.equal((await queryValid(nix, [cached.outPath])).size, 0);

  await prepareDisk(withCache, [built], 'auto');
  await realise(withCache, [built], { rootsDirectory });
  const nothing = { downloadBytes: 0, unpackedBytes: 0, builds: 0, built: [], fetched: [] };
  assert.deepEqual(await queryNeeds(withCache, [built]), nothing);
});

test('builds really run in the folder that has room', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, `where = sh "${unique()}" "pwd > $out" { };`);
  const roomy = join(folder, 'roomy');
  await mkdir(roomy);
  const target = await targetOf(nix, folder, 'where');
  const host = { ...nix.host, env: { ...nix.host.env, RUNNER_TEMP: roomy } };
  const measure = async (at: string) => ({
    folder: at,
    total: 100e9,
    ...(at === roomy ? { free: 50e9, device: 1 } : { free: 5e9, device: 2 }),
  });
  const place = await prepareDisk({ ...nix, host }, [target], 'auto', { measure });
  assert.equal(place.conf.length, isAtLeast(nix.version, '2.30') ? 1 : 0);
  // in a sandbox every build is in /build
  const moved = withConf(placedOn(place, nix), 'sandbox = false');
  await realise(moved, [target], { rootsDirectory: join(folder, 'roots') });
  assert.ok((await readFile(target.outPath, 'utf8')).startsWith(`${roomy}/nix-`));
});
