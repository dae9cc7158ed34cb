import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CacheableTarget, GithubCache } from '../../../src/caches/github-cache.ts';
import { startProviding } from '../../../src/commands/build/provide.ts';
import { startState } from '../../../src/commands/build/state.ts';
import type { Command } from '../../../src/host/process.ts';
import type { RunContext } from '../../../src/inputs/context.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import type { Evaluation, LayerTarget } from '../../../src/nix/types.ts';
import { quietHost } from '../../tools/host.ts';

/**
 * A recipe whose app is built with deps, and deps with nothing; base stands beside them. No Nix runs:
 * `offered` are the names of outputs that a substituter has.
 */
async function scene(t: TestContext, offered: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'provide-'));
  t.after(() => rm(folder, { recursive: true }));
  const layer = async (name: string, inputs: readonly string[], env = ''): Promise<LayerTarget> => {
    const drvPath = join(folder, `${name}.drv`);
    const inputDrvs = inputs.map(input => `("${join(folder, input)}.drv",["out"])`);
    const outPath = `/nix/store/${'0'.repeat(32)}-${name}`;
    const text = `Derive([("out","${outPath}","","")],[${inputDrvs}],[],"x","/sh",[],[${env}])`;
    await writeFile(drvPath, text);
    return { name, drvPath, outPath, outputName: 'out', image: true };
  };
  const layers = [await layer('base', []), await layer('deps', []), await layer('app', ['deps'])];
  const fixed = '("outputHash","sha256:x")';
  const several = [
    await layer('torch-2.9', [], fixed),
    await layer('sam-1.0', []),
    await layer('sam-2.0', []),
  ];
  const commands: Command[] = [];
  const dryRun = (args: readonly string[]) => {
    const wanted = args.some(arg => arg.includes('app.drv!')) ? ['deps', 'app'] : [];
    const asked = [...layers, ...several].filter(({ name }) =>
      args.some(arg => arg.includes(`${name}.drv!`)),
    );
    const builds = [...new Set([...wanted, ...asked.map(({ name }) => name)])].filter(
      name => !offered.includes(name),
    );
    return `these ${builds.length} derivations will be built:\n${builds
      .map(name => `  ${join(folder, name)}.drv`)
      .join('\n')}\n`;
  };
  const host = quietHost({
    run: async command => {
      commands.push(command);
      const stderr = command.args.includes('--dry-run') ? dryRun(command.args) : '';
      return { code: 0, stdout: '', stderr };
    },
  });
  const restored: string[][] = [];
  const state = startState(host);
  state.github = githubThatGives(restored);
  const run: RunContext = {
    face: 'command-line',
    currentDirectory: folder,
    temporaryDirectory: folder,
  };
  const wheels = { name: 'wheels', image: true, targets: several };
  const recipe = { layers: [...layers, wheels] } as unknown as Evaluation['recipe'];
  const evaluation = { recipe, target: layers[2], system: 'x' } as unknown as Evaluation;
  const nix = { bin: '/bin', version: '2.34.8', storeDir: '/nix/store', env: {}, host };
  const provider = startProviding({ nix, evaluation, settings: parseBuild({}, run), state }, host);
  const nixFor = async (...names: string[]) => {
    const { env } = await provider.nixFor(
      [...layers, ...several].filter(({ name }) => names.includes(name)),
    );
    return env.NIX_CONFIG ?? '';
  };
  const dryRuns = () =>
    commands
      .filter(({ args }) => args.includes('--dry-run'))
      .map(({ args }) =>
        args.filter(arg => arg.includes('.drv!')).map(arg => arg.split('/').at(-1)),
      );
  return { nixFor, restored, dryRuns, commands };
}

function githubThatGives(restored: string[][]): GithubCache {
  const restoreTargets = async (targets: readonly CacheableTarget[]) => {
    restored.push(targets.map(({ name }) => name));
    return targets.map(({ name }) => ({ url: `file:///${name}`, publicKeys: [] }));
  };
  return { restoreTargets } as unknown as GithubCache;
}

test('a target is restored with those that it is built with, and no others', async t => {
  const { nixFor, restored, dryRuns } = await scene(t);
  const conf = await nixFor('app');
  assert.deepEqual(restored, [['deps', 'app']]);
  assert.match(conf, /^extra-substituters = file:\/\/\/deps file:\/\/\/app$/m);
  assert.deepEqual(dryRuns(), [['app.drv!out'], ['app.drv!out']]);
});

test('what a substituter offers is not restored', async t => {
  const { nixFor, restored } = await scene(t, ['deps']);
  await nixFor('app');
  assert.deepEqual(restored, [['app']]);
});

test('what is needed later is provided for as well, and finds what was restored before', async t => {
  const { nixFor, restored, dryRuns } = await scene(t);
  const [, late] = await Promise.all([nixFor('app'), nixFor('base', 'deps')]);
  assert.deepEqual(restored, [['deps', 'app'], ['base']]);
  assert.match(
    late ?? '',
    /^extra-substituters = file:\/\/\/deps file:\/\/\/app file:\/\/\/base$/m,
  );
  assert.equal(dryRuns().length, 4);
});

test('where nothing is to be realised, nothing is asked', async t => {
  const unchanged = await scene(t);
  await unchanged.nixFor();
  assert.deepEqual(unchanged.commands, []);
});

test('of several targets each is kept by itself, those that are downloads not at all', async t => {
  const { nixFor, restored } = await scene(t);
  await nixFor('torch-2.9', 'sam-1.0', 'sam-2.0');
  assert.deepEqual(restored, [['wheels-sam', 'wheels-sam-2']]);
});
