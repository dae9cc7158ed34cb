import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import type { Host } from '../../../src/host/host.ts';
import { type DiskTools, planDisk, prepareDisk, type ReclaimDisk } from '../../../src/nix/disk.ts';
import { parseDryRun } from '../../../src/nix/disk-needs.ts';
import type { ReclaimOptions } from '../../../src/nix/disk-reclaim.ts';
import { measureSpace, type Space, watchDisk } from '../../../src/nix/disk-space.ts';
import type { DerivationOutput } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

const mebibyte = 2 ** 20;
const output = { drvPath: '/nix/store/x.drv', outputName: 'out', outPath: '/nix/store/x' };
const fetches = (size: string) => `this path will be fetched (1 GiB download, ${size} unpacked):\n`;
const builds = 'this derivation will be built:\n  /nix/store/y.drv\n';
const hosted = { RUNNER_ENVIRONMENT: 'github-hosted', ImageOS: 'ubuntu24' };

interface Scene {
  env?: Host['env'];
  version?: string;
  /** What the dry run says. */
  dryRun: string;
  /** The setting of nix.conf. */
  buildDir?: string;
  /** Gigabytes that are free in a folder; each on a file system of its own. */
  free: Record<string, number>;
  reclaim: ReclaimDisk;
  outputs?: readonly DerivationOutput[];
  /** Gigabytes that reclaiming brings to the store. */
  reclaims?: number;
}

async function prepare(scene: Scene) {
  const asked: ReclaimOptions[] = [];
  const free = new Map(Object.entries(scene.free));
  const host = quietHost({
    env: scene.env ?? {},
    run: async ({ file }) =>
      file.endsWith('nix-store')
        ? { code: 0, stdout: '', stderr: scene.dryRun }
        : {
            code: 0,
            stdout: JSON.stringify({ 'build-dir': { value: scene.buildDir ?? null } }),
            stderr: '',
          },
  });
  const tools: DiskTools = {
    measure: async folder => ({
      folder,
      free: (free.get(folder) ?? 0) * 1e9,
      total: 100e9,
      device: [...free.keys()].indexOf(folder),
    }),
    reclaim: async (_host, options) => {
      asked.push(options);
      free.set('/nix/store', (free.get('/nix/store') ?? 0) + (scene.reclaims ?? 0));
      return ['Swift'];
    },
  };
  const version = scene.version ?? '2.34.8';
  const nix = { bin: '/bin', version, storeDir: '/nix/store', env: {}, host };
  const prepared = await prepareDisk(nix, scene.outputs ?? [output], scene.reclaim, tools);
  const reclaimed = await prepared.reclaimed;
  const warnings = host.events.flatMap(event => (event.type === 'warning' ? [event.message] : []));
  return { ...prepared, reclaimed, asked, warnings };
}

test('the dry run of Nix 2.8 is read', () => {
  const said = `this derivation will be built:
  /nix/store/wc9pr4pg2v26n5rz3y3rrijp2392d7fx-bbb.drv
these 3 paths will be fetched (0.50 MiB download, 1024.04 MiB unpacked):
  /nix/store/47835yr2v2927mmc3mi81kdmqjvm36bk-aaa
  /nix/store/5x203zcfsgrjffkzcpdxhg5g4kzj63c5-ccc.drv
`;
  assert.deepEqual(parseDryRun(said), {
    downloadBytes: mebibyte / 2,
    unpackedBytes: Math.round(1024.04 * mebibyte),
    builds: 1,
    built: ['/nix/store/wc9pr4pg2v26n5rz3y3rrijp2392d7fx-bbb.drv'],
    fetched: [
      '/nix/store/47835yr2v2927mmc3mi81kdmqjvm36bk-aaa',
      '/nix/store/5x203zcfsgrjffkzcpdxhg5g4kzj63c5-ccc.drv',
    ],
  });
});

test('the dry run of Nix 2.34 is read, with its units', () => {
  const said = `warning: something
these 2 derivations will be built:
  /nix/store/a.drv
  /nix/store/b.drv
this path will be fetched (40.5 KiB download, 2.5 GiB unpacked):
  /nix/store/c
`;
  const sizes = { downloadBytes: 40.5 * 1024, unpackedBytes: 2560 * mebibyte, builds: 2 };
  const built = ['/nix/store/a.drv', '/nix/store/b.drv'];
  assert.deepEqual(parseDryRun(said), { ...sizes, built, fetched: ['/nix/store/c'] });
  const nothing = { downloadBytes: 0, unpackedBytes: 0, builds: 0, built: [], fetched: [] };
  assert.deepEqual(parseDryRun(''), nothing);
});

test('builds need an allowance, downloads their size', () => {
  const store: Space = { folder: '/nix/store', free: 8e9, total: 100e9, device: 1 };
  const needs = { downloadBytes: 1e9, unpackedBytes: 5e9, builds: 0 };
  assert.deepEqual(planDisk(needs, store), { missing: 0, downloadsFit: true });
  assert.deepEqual(planDisk({ ...needs, builds: 3 }, store), { missing: 8e9, downloadsFit: true });
  assert.equal(planDisk({ ...needs, unpackedBytes: 9e9 }, store).downloadsFit, false);
  assert.equal(planDisk(undefined, store).missing, 3e9);
});

test('where there is room, nothing is removed and nothing is moved', async () => {
  const scene = { env: hosted, dryRun: fetches('2 GiB') + builds, free: { '/nix/store': 50 } };
  const { asked, warnings, conf, env } = await prepare({ ...scene, reclaim: 'auto' });
  assert.deepEqual([asked, warnings, conf, env], [[], [], [], {}]);
});

test('a hosted runner that is short is cleared until it is enough', async () => {
  const { asked, warnings, reclaimed } = await prepare({
    env: hosted,
    dryRun: fetches('2 GiB') + builds,
    free: { '/nix/store': 5 },
    reclaim: 'auto',
    reclaims: 20,
  });
  assert.deepEqual([reclaimed, warnings], [['Swift'], []]);
  assert.equal(asked[0]?.device, 0);
  assert.equal(await asked[0]?.enough?.(), true);
});

test('no other machine is cleared, unless the user says so', async () => {
  const scene = { dryRun: fetches('2 GiB') + builds, free: { '/nix/store': 5 }, reclaims: 1 };
  for (const env of [{}, { ...hosted, RUNNER_ENVIRONMENT: 'self-hosted' }]) {
    const { asked, warnings } = await prepare({ ...scene, env, reclaim: 'auto' });
    assert.deepEqual(asked, []);
    assert.match(warnings.join(), /2\.1 GB to be fetched .* 8\.1 GB more than is free/);
  }
  assert.deepEqual((await prepare({ ...scene, env: hosted, reclaim: 'false' })).asked, []);
  const told = await prepare({ ...scene, reclaim: 'true' });
  assert.equal(told.asked.length, 1);
  assert.match(told.warnings.join(), /7\.1 GB more/);
});

test('where nothing is to be realised, only the user has a disk cleared', async () => {
  const scene = { env: hosted, dryRun: builds, free: { '/nix/store': 0 }, outputs: [] };
  const idle = await prepare({ ...scene, reclaim: 'auto' });
  assert.deepEqual([idle.asked, idle.warnings], [[], []]);
  assert.equal((await prepare({ ...scene, reclaim: 'true' })).asked.length, 1);
});

test('downloads that alone do not fit are refused, with the numbers', async () => {
  const scene = { env: hosted, dryRun: fetches('20 GiB'), free: { '/nix/store': 5 } };
  await assert.rejects(prepare({ ...scene, reclaim: 'auto', reclaims: 3 }), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /takes 21\.5 GB unpacked, and 8\.0 GB of 100\.0 GB are free/);
    assert.match(error.details.tried ?? '', /Swift removed/);
    return true;
  });
  await assert.rejects(prepare({ ...scene, reclaim: 'false' }), Failure);
  const enough = await prepare({ ...scene, reclaim: 'auto', reclaims: 30 });
  assert.deepEqual(enough.warnings, []);
});

test('builds move out of a small /tmp, in the way that each Nix understands', async () => {
  const env = { RUNNER_TEMP: '/home/r/_temp' };
  const free = { '/nix/store': 50, '/tmp': 7, '/home/r/_temp': 60, '/var/tmp': 20 };
  const scene: Scene = { env, dryRun: builds, free, reclaim: 'auto' };
  const { conf, env: variables } = await prepare({ ...scene, version: '2.8.0' });
  assert.deepEqual([conf, variables], [[], { TMPDIR: '/home/r/_temp' }]);
  // a current Nix builds beside its store
  assert.deepEqual((await prepare(scene)).conf, []);
  const small = { ...scene, free: { ...free, '/nix/store': 5 } };
  assert.deepEqual((await prepare(small)).conf, ['build-dir = /home/r/_temp']);
  const chosen = await prepare({ ...small, buildDir: '/big' });
  assert.deepEqual([chosen.conf, chosen.env], [[], {}]);
});

test('a folder that is not there is measured by the one that will hold it', async () => {
  const there = await measureSpace('/proc');
  const missing = await measureSpace('/proc/no/such/folder');
  assert.equal(missing.device, there.device);
  assert.equal(missing.folder, '/proc/no/such/folder');
});

test('a watch keeps the most that was in use, once for each file system', async () => {
  let free = 70;
  const measure = async (folder: string): Promise<Space> => {
    if (free < 0) throw new Error('gone');
    return { folder, free, total: 100, device: folder === '/b' ? 2 : 1 };
  };
  const watch = await watchDisk(['/a', '/a/deep', '/b'], measure);
  for (free of [60, 20, 90]) await watch.sample();
  free = -1;
  assert.deepEqual(await watch.stop(), [
    { folder: '/a', total: 100, peak: 80, growth: 50 },
    { folder: '/b', total: 100, peak: 80, growth: 50 },
  ]);
});
