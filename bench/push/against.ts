// npm run bench:against -- DIST [OPTIONS]: cold pushes by this program and by another build of it (the
// folder dist/ of another checkout), in turn. Needs root; started by bench/push/run.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ours, writeStreamConf } from './contenders.ts';
import { realiseLayers, writeFlake } from './flake.ts';
import { chosenImage } from './images.ts';
import { runnerLink, startLink } from './link.ts';
import { startRegistry } from './registry.ts';
import { linkFloor } from './report.ts';
import { type Measurement, measured, tell } from './rounds.ts';
import { table } from './table.ts';
import { copyProgram } from './workspace.ts';

const usage = `npm run bench:against -- DIST [--rounds N] [--size GB] [--wheels DIR] [--link]

  --link   over a link of 100 MB/s and 20 ms there and back`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '2.5' },
    wheels: { type: 'string' },
    link: { type: 'boolean' },
  },
});
const [dist] = positionals;
if (dist === undefined) throw new Error(usage);

const programs = { before: join(resolve(dist), 'cli.js'), now: copyProgram() };
const taken: Record<keyof typeof programs, Measurement[]> = { before: [], now: [] };
const wheels = values.wheels === undefined ? {} : { wheels: resolve(values.wheels) };
const layers = chosenImage({ bytes: Number(values.size) * 1e9, ...wheels }, '1');
const flake = writeFlake('base', { image: layers });
const conf = writeStreamConf('base', await realiseLayers(flake, 'image'));
const registry = await startRegistry();
const link = values.link ? await startLink(registry.address, runnerLink) : undefined;
try {
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const name of ['before', 'now'] as const) {
      const repository = `${(link ?? registry).address}/against-${round}/${name}`;
      const push = { image: { flake, conf }, repository, scenario: 'cold' } as const;
      const took = await measured(registry, () => ours(programs[name], 'zstd').push(push), link);
      taken[name].push(took);
      tell('against', round, 'cold', name, took);
    }
  }
} finally {
  await link?.stop();
  await registry.stop();
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const quantities: Record<string, (took: Measurement) => number> = {
  'wall, s': took => took.seconds,
  'CPU, s': took => took.cpuSeconds,
  'peak, MB': took => took.peakBytes / 1e6,
  'sent, MB': took => took.bytes / 1e6,
  ...(link ? { "wall against the link's floor": took => took.seconds / linkFloor(took) } : {}),
};
const rows = Object.entries(quantities).map(([name, of]) => {
  const [before, now] = [median(taken.before.map(of)), median(taken.now.map(of))];
  const ratio = median(taken.now.map((took, at) => of(took) / of(taken.before[at] ?? took)));
  return [name, before.toFixed(2), now.toFixed(2), ratio.toFixed(3)];
});
console.log(table([`cold push, medians of ${values.rounds}`, 'before', 'now', 'ratio'], rows));
