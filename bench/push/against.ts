// npm run bench:against -- DIST [ROUNDS]: cold pushes by this program and by another build of it (the
// folder dist/ of another checkout), in turn. Needs root; started by bench/push/run.
import { join, resolve } from 'node:path';
import { ours, writeStreamConf } from './contenders.ts';
import { realiseLayers, writeFlake } from './flake.ts';
import { realisticImage } from './images.ts';
import { startRegistry } from './registry.ts';
import { table } from './table.ts';
import { copyProgram, type Usage } from './workspace.ts';

const bytes = 2.5e9;

const [dist, rounds = '5'] = process.argv.slice(2);
if (dist === undefined) throw new Error('npm run bench:against -- DIST [ROUNDS]');

const programs = { before: join(resolve(dist), 'cli.js'), now: copyProgram() };
const taken: Record<keyof typeof programs, Usage[]> = { before: [], now: [] };
const flake = writeFlake('base', { image: realisticImage(bytes, '1') });
const conf = writeStreamConf('base', await realiseLayers(flake, 'image'));
const registry = await startRegistry();
try {
  for (let round = 1; round <= Number(rounds); round++) {
    for (const name of ['before', 'now'] as const) {
      const repository = `${registry.address}/against-${round}/${name}`;
      const push = { image: { flake, conf }, repository, scenario: 'cold' } as const;
      const usage = await ours(programs[name], 'zstd').push(push);
      taken[name].push(usage);
      console.error(`${round} ${name}: ${JSON.stringify(usage)}`);
    }
  }
} finally {
  await registry.stop();
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const rows = (['seconds', 'cpuSeconds', 'peakBytes'] as const).map(field => {
  const of = (name: keyof typeof programs) => median(taken[name].map(usage => usage[field]));
  const [before, now] = [of('before'), of('now')];
  const unit = (value: number) => (field === 'peakBytes' ? value / 1e6 : value).toFixed(1);
  return [
    { seconds: 'wall, s', cpuSeconds: 'CPU, s', peakBytes: 'peak, MB' }[field],
    ...[unit(before), unit(now), (now / before).toFixed(2)],
  ];
});
console.log(
  table([`cold push of ${bytes / 1e9} GB, medians of ${rounds}`, 'before', 'now', 'ratio'], rows),
);
