// npm run bench:github-cache: saving and restoring a gigabyte of store paths through GitHub's cache,
// beside `tar | zstd -T0` of the same paths. Needs root; runs in a store of its own (package.json).
//
// Everything is done in turn, so that a busy moment hits all; a ratio is of two times of one round.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { openGithubCache } from '../src/caches/github-cache.ts';
import { processRunner } from '../src/host/process.ts';
import { findNix } from '../src/nix/nix.ts';
import { startGithubCacheServer } from '../test/tools/github-cache-server.ts';
import { realisticImage } from './push/images.ts';
import { table } from './push/table.ts';

const rounds = Number(process.argv[2] ?? 3);
const bytes = 1e9;

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const workspace = here('../build/bench/github-cache');
const inside = (name: string) => join(workspace, name);
const step = [process.execPath, inside('step.mjs')];

interface Usage {
  seconds: number;
  cpuSeconds: number;
  /** Of the CPU time, what the kernel took: here it is mostly for pages of memory. */
  systemSeconds: number;
  /** Of the process that had most. */
  peakBytes: number;
}

/** A derivation of the benchmark's flake. */
interface Target {
  name: string;
  drvPath: string;
  outputName: string;
  outPath: string;
}

/** Runs a command to its end and gives its standard output. */
async function run([file = '', ...args]: readonly string[], env = {}): Promise<string> {
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: workspace,
    env: { ...process.env, ...env },
  });
  const said: [string[], string[]] = [[], []];
  child.stdout.on('data', chunk => said[0].push(String(chunk)));
  child.stderr.on('data', chunk => said[1].push(String(chunk)));
  const [code] = await once(child, 'close');
  if (code === 0) return said[0].join('');
  throw new Error(`${file} ${args.join(' ')}: exit code ${code}\n${said[1].join('').slice(-4000)}`);
}

/** What a command took: it and all processes that it waited for. */
async function measure(command: readonly string[], env = {}): Promise<Usage> {
  const file = inside('usage.json');
  await run(['python3', here('push/measure.py'), file, ...command], env);
  return JSON.parse(readFileSync(file, 'utf8')) as Usage;
}

/** Bundles what is measured, as dist/ is: loading it file by file would take a second. */
async function bundleSteps() {
  await build({
    input: here('github-cache/step.ts'),
    platform: 'node',
    output: { file: inside('step.mjs'), format: 'esm', minify: true, codeSplitting: false },
    logLevel: 'warn',
  });
}

const shell = (script: string) => ['bash', '-o', 'pipefail', '-c', script];

/** Generates the paths, where they are not there yet; they are like those of PyTorch on CUDA. */
async function makePaths(): Promise<{ targets: Target[]; paths: string[] }> {
  cpSync(here('push/flake'), inside('flake'), { recursive: true });
  const system = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;
  const images = { image: realisticImage(bytes, '1') };
  writeFileSync(
    inside('flake/images.json'),
    JSON.stringify({ system, node: process.execPath, images }),
  );
  const describe = `image: map ({ name, target }: {
    inherit name;
    outputName = "out";
    drvPath = builtins.unsafeDiscardStringContext target.drvPath;
    out = builtins.unsafeDiscardStringContext target.outPath;
  }) image.recipe.layers`;
  const flake = `path:${inside('flake')}#image`;
  const json = await run(['nix', 'eval', '--json', flake, '--apply', describe]);
  const described = JSON.parse(json) as (Omit<Target, 'outPath'> & { out: string })[];
  const targets = described.map(({ out, ...target }) => ({ ...target, outPath: out }));
  await run(['nix-store', '--realise', ...targets.map(({ drvPath }) => drvPath)]);
  const closure = await run([
    'nix-store',
    '--query',
    '--requisites',
    ...targets.map(t => t.outPath),
  ]);
  return { targets, paths: closure.trim().split('\n') };
}

/** The state of a run that has built all of it. */
async function stateOfRun(targets: readonly Target[], env: Record<string, string>) {
  const host = {
    env: { ...process.env, ...env },
    clock: Date.now,
    run: processRunner(process.env),
    emit: () => undefined,
  };
  Object.assign(process.env, env); // which the library reads
  const cache = openGithubCache(host);
  const nix = await findNix(host);
  if (!cache || !nix) throw new Error('there is no Nix, or no cache');
  await cache.restoreTargets(targets, 'bench');
  const derivations = await run([
    'nix-store',
    '--query',
    '--requisites',
    ...targets.map(t => t.drvPath),
  ]);
  for (const derivation of derivations.trim().split('\n')) {
    if (derivation.endsWith('.drv'))
      cache.take({ type: 'build-end', derivation, failed: false, at: 0 });
  }
  return cache.state();
}

/** Removes the paths from the store, and whatever was unpacked. */
async function clear(paths: readonly string[]) {
  await run(['nix-store', '--delete', '--ignore-liveness', ...paths]).catch(() => undefined);
  for (const path of [...paths, inside('unpacked'), inside('temp')]) {
    rmSync(path, { recursive: true, force: true });
  }
  for (const folder of ['unpacked', 'temp']) mkdirSync(inside(folder), { recursive: true });
}

const contests = {
  pack: ['pack', 'tar to a file'],
  save: ['save', 'tar to the cache'],
  restore: ['restore', 'tar from the cache', 'tar from a file'],
} as const;

/** One round: everything is saved in each way, then restored in each way. */
async function round(): Promise<Record<string, Usage>> {
  const { targets, paths } = await makePaths();
  const server = await startGithubCacheServer();
  try {
    const env = { ...server.env, RUNNER_TEMP: inside('temp'), GITHUB_WORKSPACE: workspace };
    writeFileSync(inside('state.json'), JSON.stringify(await stateOfRun(targets, env)));
    writeFileSync(inside('targets.json'), JSON.stringify(targets));
    writeFileSync(inside('paths.json'), JSON.stringify(paths));
    const usage: Record<string, Usage> = {};
    const archive = inside('paths.tar.zst');
    usage.pack = await measure([...step, 'pack', inside('state.json')], env);
    rmSync(inside('temp'), { recursive: true });
    mkdirSync(inside('temp'));
    usage.save = await measure([...step, 'save', inside('state.json')], env);
    usage['tar to a file'] = await measure(
      shell(`tar -cf - -P ${paths.join(' ')} | zstd -q -T0 -f -o ${archive}`),
    );
    usage['tar to the cache'] = await measure([...step, 'save-tree', inside('paths.json')], env);
    await clear(paths);
    usage.restore = await measure([...step, 'restore', inside('targets.json')], env);
    await run(['nix-store', '--verify-path', ...paths]);
    await clear(paths);
    usage['tar from a file'] = await measure(
      shell(`zstd -q -d -c ${archive} | tar -xf - -C ${inside('unpacked')}`),
    );
    await clear(paths);
    usage['tar from the cache'] = await measure(
      [...step, 'restore-tree', inside('paths.json')],
      env,
    );
    await clear(paths);
    return usage;
  } finally {
    await server.stop();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function report(found: readonly Record<string, Usage>[]): string {
  const column = (name: string, field: keyof Usage) =>
    found.map(usage => usage[name]?.[field] ?? 0);
  const rows = Object.values(contests).flatMap(([mine, ...others]) =>
    [mine, ...others].map(name => {
      const ratios = column(mine, 'seconds').map(
        (own, at) => own / (column(name, 'seconds')[at] ?? 0),
      );
      return [
        name,
        `${median(column(name, 'seconds')).toFixed(1)} s`,
        `${median(column(name, 'cpuSeconds')).toFixed(1)} s`,
        `${median(column(name, 'systemSeconds')).toFixed(1)} s`,
        `${(Math.max(...column(name, 'peakBytes')) / 1e6).toFixed(0)} MB`,
        name === mine
          ? ''
          : `${median(ratios).toFixed(2)} (${ratios.map(each => each.toFixed(2)).join(', ')})`,
      ];
    }),
  );
  return table(
    ['', 'time', 'CPU time', 'of it in the kernel', 'largest process', 'ours against it'],
    rows,
  );
}

mkdirSync(workspace, { recursive: true });
// builders are no part of what is measured, and the generator is a program of this machine
process.env.NIX_CONFIG = 'sandbox = false\nextra-experimental-features = nix-command flakes';
await bundleSteps();
const found: Record<string, Usage>[] = [];
for (let at = 1; at <= rounds; at++) {
  found.push(await round());
  console.error(`round ${at}: ${JSON.stringify(found.at(-1))}`);
}
console.log(report(found));
