// npm run bench:plan: what it takes to divide a large image into layers when all of it is in the store,
// in seconds and processes of Nix. The paths are in the store's database alone: nothing is read or sent.

import { spawnSync } from 'node:child_process';
import { decideTargetLayers } from '../src/commands/build/layers.ts';
import type { Realisation } from '../src/commands/build/realisation.ts';
import { processRunner } from '../src/host/process.ts';
import { findNix } from '../src/nix/nix.ts';
import { layersInStore, layerWork } from '../test/tools/planned-layers.ts';
import { table } from './push/table.ts';

const rounds = 3;

/** Closures of 1,500 paths in 40 layers, and how much they have in common: as images have, and nothing. */
const shapes = {
  '1,400 of them in all layers': 1400,
  'each its own': 0,
};

/** Everything is there. */
const realisation: Realisation = {
  have: async () => undefined,
  has: () => true,
  wants: () => true,
  originOf: () => 'local',
  ended: async () => undefined,
};

/** Makes paths valid, with what they refer to, as an installer does. */
function load(references: ReadonlyMap<string, readonly string[]>): void {
  const infos = [...references].map(([path, to]) =>
    [path, '0'.repeat(64), 2 ** 20, '', to.length, ...to, ''].join('\n'),
  );
  const { status, stderr } = spawnSync('nix-store', ['--load-db'], { input: infos.join('') });
  if (status !== 0) throw new Error(`nix-store --load-db: ${stderr}`);
}

async function measure(common: number): Promise<{ paths: number; seconds: number; count: number }> {
  const { layers, references } = layersInStore(40, { size: 1500, common });
  load(references);
  let count = 0;
  const run = processRunner(process.env);
  const host = {
    env: process.env,
    clock: Date.now,
    emit: () => undefined,
    run: (command: Parameters<typeof run>[0]) => {
      count += 1;
      return run(command);
    },
  };
  const nix = await findNix(host);
  if (!nix) throw new Error('there is no Nix on PATH');
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    count = 0;
    const begin = performance.now();
    await (await decideTargetLayers(layerWork({ nix, realisation }, layers).work, new Set())).made;
    times.push((performance.now() - begin) / 1000);
  }
  const seconds = times.sort((one, other) => one - other)[Math.floor(rounds / 2)] ?? Number.NaN;
  return { paths: references.size, seconds, count };
}

const rows: string[][] = [];
for (const [shape, common] of Object.entries(shapes)) {
  const { paths, seconds, count } = await measure(common);
  rows.push([shape, String(paths), `${seconds.toFixed(2)} s`, String(count)]);
}
const version = spawnSync('nix', ['--version']).stdout.toString().trim();
process.stdout.write(
  `${version}; 40 layers of 1,500 paths, all in the store; median of ${rounds}\n\n${table(
    ['closures', 'paths', 'time', 'processes'],
    rows,
  )}\n`,
);
