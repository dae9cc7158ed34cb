import assert from 'node:assert/strict';
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GithubCacheReport } from '../../../src/caches/github/save.ts';
import { openGithubCache, saveGithubCache } from '../../../src/caches/github-cache.ts';
import type { Host } from '../../../src/host/host.ts';
import { processRunner } from '../../../src/host/process.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { runNix } from '../../../src/nix/nix.ts';
import { realise } from '../../../src/nix/realise.ts';
import type { DerivationOutput, Nix, NixEvent } from '../../../src/nix/types.ts';
import { startGithubCacheServer } from '../../tools/github-cache-server.ts';
import { workbench, writeFlake } from '../nix/workbench.ts';

const gibibyte = 1024 ** 3;
const unique = () => `g${process.pid}-${Math.random().toString(36).slice(2)}`;

/** What a run of a workflow did. */
interface Run {
  /** Names of the derivations that were built. */
  built: string[];
  report: GithubCacheReport;
  notices: string[];
}

/** A repository with a cache; each run begins without what the runs before have built. */
async function repository(t: TestContext) {
  const { nix, folder } = await workbench(t);
  const server = await startGithubCacheServer();
  t.after(() => server.stop());
  await mkdir(join(folder, 'temp'));
  Object.assign(process.env, server.env, {
    RUNNER_TEMP: join(folder, 'temp'),
    GITHUB_WORKSPACE: folder,
  });
  const run = async (names: string[], limit = gibibyte): Promise<Run> => {
    const notices: string[] = [];
    const host: Host = {
      env: { ...process.env, GITHUB_RUN_ID: unique() },
      clock: Date.now,
      run: processRunner(process.env),
      emit: event => {
        const isTold = event.type === 'warning' || event.type === 'notice';
        if (isTold && event.message.startsWith('GitHub')) notices.push(event.message);
      },
    };
    const done = await runOnce({ ...nix, host }, folder, names, limit);
    return { ...done, notices };
  };
  return { nix, folder, server, run };
}

/** Evaluates targets, restores, realises, saves, and removes all that the store has got by it. */
async function runOnce(nix: Nix, folder: string, names: string[], limit: number) {
  const evaluated = await Promise.all(
    names.map(name =>
      evaluate(nix, {
        installables: [`.#${name}`],
        cwd: join(folder, 'flake'),
        overrideInputs: [],
        acceptFlakeConfig: false,
      }),
    ),
  );
  const targets = evaluated.map(({ target }, index) => ({ ...target, name: names[index] ?? '' }));
  const cache = openGithubCache(nix.host);
  assert.ok(cache);
  const substituters = await cache.restoreTargets(targets, 'x86_64-linux');
  const urls = substituters.map(({ url }) => url).join(' ');
  const NIX_CONFIG = `${nix.env.NIX_CONFIG}\nsubstituters = ${urls}\n`;
  const started: string[] = [];
  const onEvent = (event: NixEvent) => {
    if (event.type === 'build-start') started.push(event.drvPath);
    if (event.type !== 'build-end') return;
    cache.take({ type: 'build-end', derivation: event.drvPath, failed: event.failed, at: 0 });
  };
  const rootsDirectory = join(folder, 'roots');
  await realise({ ...nix, env: { ...nix.env, NIX_CONFIG } }, targets, {
    rootsDirectory,
    onEvent,
  }).catch(() => undefined);
  const state = JSON.parse(JSON.stringify(cache.state()));
  const report = await saveGithubCache(state, { limit, nix }, nix.host);
  await rm(rootsDirectory, { recursive: true });
  await rm(join(folder, 'temp'), { recursive: true });
  await mkdir(join(folder, 'temp'));
  await deleteOutputs(nix, targets);
  const built = [...new Set(started)].map(path => path.replace(/^.{44}.*-(\w+)\.drv$/, '$1'));
  return { built, report };
}

async function deleteOutputs(nix: Nix, targets: readonly DerivationOutput[]): Promise<void> {
  const drvPaths = targets.map(({ drvPath }) => drvPath);
  const { stdout } = await runNix(nix, 'nix-store', [
    ...['--query', '--requisites', '--include-outputs'],
    ...drvPaths,
  ]);
  const outputs = stdout.split('\n').filter(path => /-g\d+-\w+-\w+$/.test(path));
  // one that another refers to can go only after it
  for (const path of [...outputs, ...outputs]) {
    await runNix(nix, 'nix-store', ['--delete', '--ignore-liveness', path]);
  }
  for (const path of outputs) await assert.rejects(lstat(path), `${path} is still there`);
}

test('what was built is not built again, by the next run or after a change beside it', async t => {
  const { folder, server, run } = await repository(t);
  const id = unique();
  const flake = (app: string) =>
    writeFlake(
      folder,
      `slow = sh "${id}-slow" "echo slow > $out" { };
       base = sh "${id}-base" "echo base > $out" { };
       app = sh "${id}-app" "echo \${slow} \${base} ${app} > $out" { };`,
    );
  await flake('one');
  const first = await run(['base', 'app']);
  assert.deepEqual(first.built.sort(), ['app', 'base', 'slow']);
  assert.equal(first.report.saved.length, 2);

  const same = await run(['base', 'app']);
  assert.deepEqual(same.built, []);
  assert.deepEqual(same.report.saved, []);

  await flake('two');
  const changed = await run(['base', 'app']);
  assert.deepEqual(changed.built, ['app']);
  assert.equal(changed.report.saved.length, 1);
  assert.match(changed.report.saved[0]?.key ?? '', /^comfy-nix-x86_64-linux-app-[a-z0-9]{32}$/);

  const again = await run(['app', 'base']);
  assert.deepEqual(again.built, []);
  assert.equal(server.keys().length, 3);
  assert.deepEqual([...first.notices, ...again.notices], []);
});

test('a run after a failed one goes on from there', async t => {
  const { folder, run } = await repository(t);
  const id = unique();
  const flake = (app: string) =>
    writeFlake(
      folder,
      `slow = sh "${id}-slow" "echo slow > $out" { };
       app = sh "${id}-app" "echo \${slow}; \${shell}/busybox test -e /flag-${app} || exit 1" { };`,
    );
  await flake('one');
  const failed = await run(['app']);
  assert.deepEqual(failed.built.sort(), ['app', 'slow']);
  assert.match(failed.report.saved[0]?.key ?? '', /^comfy-nix-.*-app-[a-z0-9]{32}-g.*\.1$/);

  const next = await run(['app']);
  assert.deepEqual(next.built, ['app']);
});

test('what does not fit into the limit is left out and named', async t => {
  const { folder, run } = await repository(t);
  const id = unique();
  await writeFlake(
    folder,
    `large = sh "${id}-large" "\${shell}/busybox head -c 300000 /dev/urandom > $out" { };
     app = sh "${id}-app" "\${shell}/busybox test -s \${large}; echo app > $out" { };`,
  );
  const { report, notices } = await run(['app'], 100_000);
  assert.deepEqual(
    report.leftOut.map(path => path.replace(/.*-/, '')),
    ['large'],
  );
  assert.equal(report.saved.length, 1);
  assert.match(notices.join(), /-large/);
  const next = await run(['app']);
  assert.deepEqual(next.built, []);
});

test('an image archive and its layers are not cached, what they are made from is', async t => {
  const { nix, folder, server } = await repository(t);
  const id = unique();
  await writeFlake(
    folder,
    `part = sh "${id}-part" "echo part > $out" { };
     layer = sh "docker-layer-${id}-layer" "echo \${part} > $out" { };
     image = sh "${id}-image" "echo \${layer} > $out" { };`,
  );
  const { target } = await evaluate(nix, {
    installables: ['.#image'],
    cwd: join(folder, 'flake'),
    overrideInputs: [],
    acceptFlakeConfig: false,
  });
  const host = { ...nix.host, env: { ...process.env } };
  const cache = openGithubCache(host);
  assert.ok(cache);
  await cache.restoreTargets([{ ...target, name: 'image', isArchive: true }], 'x86_64-linux');
  await realise(nix, [target], {
    rootsDirectory: join(folder, 'roots'),
    onEvent: event => {
      if (event.type !== 'build-end') return;
      cache.take({ type: 'build-end', derivation: event.drvPath, failed: event.failed, at: 0 });
    },
  });
  await saveGithubCache(cache.state(), { limit: gibibyte, nix }, host);
  assert.equal(server.keys().length, 1);
  const restored = openGithubCache(host);
  const [substituter] =
    (await restored?.restoreTargets([{ ...target, name: 'image' }], 'x86_64-linux')) ?? [];
  const { stdout } = await runNix(nix, 'nix', [
    ...['path-info', '--store', substituter?.url ?? '', '--all'],
  ]);
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map(path => path.replace(/.*-/, '')),
    ['part'],
  );
});

test("Nix's caches of inputs come back, what it knows of substituters does not", async t => {
  const { nix, folder, server } = await repository(t);
  const cacheHome = join(folder, 'cache');
  const host = { ...nix.host, env: { ...process.env, XDG_CACHE_HOME: cacheHome } };
  await mkdir(join(cacheHome, 'nix/tarball-cache/objects'), { recursive: true });
  const input = join(cacheHome, 'nix/tarball-cache/objects/pack');
  await writeFile(input, 'an input');
  await writeFile(join(cacheHome, 'nix/binary-cache-v6.sqlite'), 'of today');
  const cache = openGithubCache(host);
  await cache?.restoreEvaluation('.', folder);
  assert.ok(cache);
  const { saved } = await saveGithubCache(cache.state(), { limit: gibibyte, nix }, host);
  assert.deepEqual(
    saved.map(({ key }) => key),
    server.keys(),
  );
  await rm(cacheHome, { recursive: true });
  const next = openGithubCache(host);
  await next?.restoreEvaluation('.', folder);
  await lstat(input);
  await assert.rejects(lstat(join(cacheHome, 'nix/binary-cache-v6.sqlite')));
  assert.equal(next?.state().evaluation, undefined);
});
