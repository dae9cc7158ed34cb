import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import type { Host } from '../../../src/host/host.ts';
import { processRunner } from '../../../src/host/process.ts';
import { isHostedRunner } from '../../../src/nix/disk.ts';
import {
  carriedByRunners,
  type ReclaimOptions,
  reclaimDisk,
} from '../../../src/nix/disk-reclaim.ts';
import { quietHost } from '../../tools/host.ts';

/** A folder that looks like a runner's root. */
async function runner(t: TestContext, folders: readonly string[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'runner-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  for (const folder of [...folders, '/usr/bin']) {
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, 'file'), 'x');
  }
  return root;
}

/** Reclaims below `root`, and nowhere else: `rm` is refused any other path. */
async function reclaim(root: string, options: ReclaimOptions = {}, env: Host['env'] = {}) {
  const docker: string[] = [];
  const host = quietHost({
    env,
    run: async ({ args }) => {
      docker.push(args.join(' '));
      return { code: 0, stdout: 'Total reclaimed space: 1.2GB\n', stderr: '' };
    },
  });
  const runPrivileged = async (file: string, args: readonly string[]) => {
    assert.equal(file, 'rm');
    assert.ok(args.at(-1)?.startsWith(`${root}/`), args.join(' '));
    return processRunner({ PATH: '/usr/bin:/bin' })({ file, args, limit: 'none' });
  };
  const gone = await reclaimDisk(host, { root, runPrivileged, ...options });
  return { gone, docker, emitted: host.events };
}

const all = carriedByRunners.map(({ folder }) => folder);

test('what runners carry is removed, and nothing beside it', async t => {
  const root = await runner(t, [...all, '/opt/hostedtoolcache/Python', '/usr/share/doc']);
  const { gone, docker } = await reclaim(root);
  assert.deepEqual(gone, [...carriedByRunners.map(({ what }) => what), 'Docker images']);
  assert.deepEqual(docker, ['system prune --all --force --filter until=24h']);
  assert.deepEqual(await readdir(join(root, 'opt')), ['hostedtoolcache']);
  assert.deepEqual(await readdir(join(root, 'opt/hostedtoolcache')), ['Python']);
  assert.deepEqual(await readdir(join(root, 'usr/share')), ['doc']);
  assert.deepEqual(await readdir(join(root, 'usr/bin')), ['file']);
});

test('it ends as soon as there is enough', async t => {
  const root = await runner(t, all);
  let removals = 0;
  const enough = async () => removals++ === 2;
  const { gone, docker } = await reclaim(root, { enough });
  assert.deepEqual([gone, docker], [['CodeQL', 'Swift'], []]);
  assert.deepEqual(await readdir(join(root, 'usr/share/dotnet')), ['file']);
});

test('what the job has put on its PATH stays', async t => {
  const root = await runner(t, ['/usr/lib/jvm', '/usr/share/swift', '/opt/az']);
  const { gone } = await reclaim(root, {}, { PATH: '/bin:/usr/lib/jvm/17/bin:/opt/az' });
  assert.deepEqual(gone, ['Swift', 'Docker images']);
});

test('a link, and what lies on another disk, stays', async t => {
  const root = await runner(t, ['/elsewhere', '/usr/share/swift']);
  await mkdir(dirname(join(root, 'usr/share/dotnet')), { recursive: true });
  await symlink(join(root, 'elsewhere'), join(root, 'usr/share/dotnet'));
  const { dev } = await stat(root);
  assert.deepEqual((await reclaim(root, { device: dev + 1 })).gone, ['Docker images']);
  assert.deepEqual((await reclaim(root, { device: dev })).gone, ['Swift', 'Docker images']);
  assert.deepEqual(await readdir(join(root, 'usr/share/dotnet')), ['file']);
});

test('what cannot be removed is a warning', async t => {
  const root = await runner(t, ['/usr/share/swift', '/usr/share/dotnet']);
  const refuses = async () => ({ code: 1, stdout: '', stderr: 'rm: Read-only file system\n' });
  const { gone, emitted } = await reclaim(root, { runPrivileged: refuses });
  assert.deepEqual(gone, ['Docker images']);
  assert.deepEqual(
    emitted.map(event => event.type === 'warning' && event.message.split(': ').slice(-2)),
    Array(2).fill(['rm', 'Read-only file system']),
  );
  const noRoot = async () => {
    throw new Failure('needs root', { tried: 'sudo' });
  };
  const without = await reclaim(root, { runPrivileged: noRoot });
  assert.deepEqual([without.gone, without.emitted.length], [[], 1]);
});

test('only what GitHub has made for this job is a hosted runner', () => {
  const hosted = { RUNNER_ENVIRONMENT: 'github-hosted', ImageOS: 'ubuntu24' };
  assert.equal(isHostedRunner(hosted), true);
  assert.equal(isHostedRunner({ ...hosted, RUNNER_ENVIRONMENT: 'self-hosted' }), false);
  assert.equal(isHostedRunner({ ...hosted, ImageOS: undefined }), false);
});
