// npm run bench:foresee [-- ROUNDS]: what `plan` takes beyond evaluation. Near: in a store of its own, with a
// registry and three caches on loopback, the small reference flake, unchanged and with its app changed, and two
// of its targets. Far: an image of 100 blobs of which the store has nothing, its registry and three caches 20 ms
// away. Wall seconds of whole processes, medians; evaluation is `nix eval` alone.

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { copyExample, type Example } from '../test/integration/build/hermetic-example.ts';
import { freshMachine, program } from '../test/integration/build/machine.ts';
import { startMoodyCache } from '../test/tools/cache-stand-in.ts';
import { startRegistry } from '../test/tools/registry.ts';
import { farAway } from './foresee/far.ts';
import { table } from './push/table.ts';

const rounds = Number(process.argv[2] ?? 5);
const ends: (() => unknown)[] = [];
// what tests clean up after them, this does
const context = { after: (end: () => unknown) => ends.unshift(end) } as unknown as TestContext;
const rows: string[][] = [];

async function timed(name: string, run: () => Promise<void>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    await run();
    times.push((performance.now() - begin) / 1000);
  }
  const median = times.sort((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0;
  rows.push([name, median.toFixed(2)]);
  console.error(`${name}: ${median.toFixed(2)} s`);
}

async function measureNear(example: Example): Promise<void> {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const caches = await Promise.all([1, 2, 3].map(each => startMoodyCache(`/nowhere/${each}`)));
  for (const cache of caches) context.after(() => cache.stop());
  const machine = await freshMachine(context);
  const image = ['--image', `${registry.address}/comfy/demo`];
  const flake = `path:${example.folder}#comfyui`;
  const { code, stderr } = await machine.build(example, image);
  if (code !== 0) throw new Error(stderr);

  const run = async (words: readonly string[]) => {
    const ran = await machine.command(words);
    if (ran.code !== 0) throw new Error(ran.stderr);
  };
  const evaluated = ['--override-input', 'busybox', `path:${example.busybox}`];
  const features = ['--extra-experimental-features', 'nix-command flakes'];
  const evaluate = ['nix', ...features, 'eval', '--raw', `${flake}.drvPath`, ...evaluated];
  const plan = (...flakes: readonly string[]) => [
    ...[process.execPath, program, 'plan', ...flakes],
    ...[...image, '--no-cuda-caches', '--override-inputs', `busybox=path:${example.busybox}`],
    ...caches.flatMap(({ url }) => ['--extra-substituters', url]),
  ];
  await timed('nix eval', () => run(evaluate));
  await timed('plan, nothing to do', () => run(plan(flake)));
  const other = `path:${example.folder}#layer6-app`;
  await timed('plan of two targets', () => run(plan(flake, other)));
  await appendFile(join(example.folder, 'app/main'), '\n# another\n');
  await timed('plan, one layer to make', () => run(plan(flake)));
}

async function measureFar({ busybox }: Example): Promise<void> {
  const far = await farAway(context, busybox);
  await timed('far: nix eval', () => far.run(far.evaluate));
  await timed('far: plan, nothing to do', () => far.run(far.plan));
  await timed('far: nix build --dry-run', () => far.run(far.dryRun));
  await timed('far: plan, nothing known', () => far.run(far.planUnknown));
  await far.change('second');
  await timed('far: plan, one layer to make', () => far.run(far.plan));
}

try {
  const example = await copyExample(context);
  await measureFar(example);
  await measureNear(example);
  console.log(table(['', 'seconds'], rows));
} finally {
  for (const end of ends) await end();
}
