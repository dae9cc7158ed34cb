// npm run bench:foresee: what `plan` takes beyond evaluation, in a store of its own, with a registry and three
// caches on loopback: the small reference flake, unchanged and with its app changed, and four of its targets. Wall seconds of whole processes, medians; evaluation is `nix eval` alone.

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { copyExample } from '../test/integration/build/hermetic-example.ts';
import { freshMachine, program } from '../test/integration/build/machine.ts';
import { startMoodyCache } from '../test/tools/cache-stand-in.ts';
import { startRegistry } from '../test/tools/registry.ts';
import { table } from './push/table.ts';

const rounds = Number(process.argv[2] ?? 5);
const ends: (() => unknown)[] = [];
// what tests clean up after them, this does
const context = { after: (end: () => unknown) => ends.unshift(end) } as unknown as TestContext;

async function measure(): Promise<void> {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const caches = await Promise.all([1, 2, 3].map(each => startMoodyCache(`/nowhere/${each}`)));
  for (const cache of caches) context.after(() => cache.stop());
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const image = ['--image', `${registry.address}/comfy/demo`];
  const flake = `path:${example.folder}#comfyui`;
  const { code, stderr } = await machine.build(example, image);
  if (code !== 0) throw new Error(stderr);

  const rows: string[][] = [];
  const timed = async (name: string, words: readonly string[]) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const begin = performance.now();
      const run = await machine.command(words);
      if (run.code !== 0) throw new Error(run.stderr);
      times.push((performance.now() - begin) / 1000);
    }
    const median = times.sort((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0;
    rows.push([name, median.toFixed(2)]);
  };
  const evaluated = ['--override-input', 'busybox', `path:${example.busybox}`];
  const features = ['--extra-experimental-features', 'nix-command flakes'];
  const plan = (...flakes: readonly string[]) => [
    ...[process.execPath, program, 'plan', ...flakes],
    ...[...image, '--no-cuda-caches', '--override-inputs', `busybox=path:${example.busybox}`],
    ...caches.flatMap(({ url }) => ['--extra-substituters', url]),
  ];
  await timed('nix eval', ['nix', ...features, 'eval', '--raw', `${flake}.drvPath`, ...evaluated]);
  await timed('plan, nothing to do', plan(flake));
  const targets = ['layer4-deps', 'layer5-perf', 'layer6-app'];
  const others = targets.map(name => `path:${example.folder}#${name}`);
  await timed('plan of four targets', plan(flake, ...others));
  await appendFile(join(example.folder, 'app/main'), '\n# another\n');
  await timed('plan, one layer to make', plan(flake));
  console.log(table(['', 'seconds'], rows));
}

try {
  await measure();
} finally {
  for (const end of ends) await end();
}
