// npm run bench: pushes of one image by this program and by others, side by side, on one registry.
// Needs root; started by bench/push/run. Writes the tables to docs/performance.md.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BenchImage,
  type Contender,
  craneIfThere,
  fileToSkopeo,
  ours,
  streamToSkopeo,
  writeArchive,
  writeStreamConf,
} from './contenders.ts';
import { measureCopies } from './copies.ts';
import { realiseLayers, writeFlake } from './flake.ts';
import { chosenImage, type Layer, largeImage, manyLayers } from './images.ts';
import type { Limits } from './limits.ts';
import { runnerLink, startLink } from './link.ts';
import { describeMachine } from './machine.ts';
import { type Options, readOptions } from './options.ts';
import { type Registry, startRegistry } from './registry.ts';
import { type Findings, report, writeReport } from './report.ts';
import { type Images, type Measurement, measured, runCourse, tell } from './rounds.ts';
import type { ScenarioId } from './scenarios.ts';
import { copyProgram, fullMachine, runOn, workspace } from './workspace.ts';

const limitsProgram = fileURLToPath(new URL('limits.ts', import.meta.url));
const layerCount = 100;

const say = (text: string) => console.error(`\n== ${text}`);

/** Makes one form of the image: flake, store paths, the streamer's conf. */
async function prepare(name: string, layers: Layer[]): Promise<BenchImage & { paths: string[] }> {
  const flake = writeFlake(name, { image: layers });
  const contents = await realiseLayers(flake, 'image');
  return { flake, conf: writeStreamConf(name, contents), paths: contents.flat() };
}

async function measureLimits(paths: readonly string[]): Promise<Limits> {
  const listing = join(workspace, 'paths.json');
  writeFileSync(listing, JSON.stringify(paths));
  return JSON.parse(await runOn(fullMachine, [process.execPath, limitsProgram, listing])) as Limits;
}

/** An image of many layers, pushed a second time from a fresh machine, directly and over the link. */
async function measureManyLayers(program: string, registry: Registry) {
  const image = await prepare('many', manyLayers(layerCount));
  const push = (address: string, scenario: ScenarioId) =>
    ours(program, 'zstd').push({ image, repository: `${address}/many`, scenario });
  await push(registry.address, 'cold');
  const direct = await measured(registry, () => push(registry.address, 'fresh'));
  tell('many', 1, 'direct', `${layerCount} layers`, direct);
  const proxy = await startLink(registry.address, runnerLink);
  const linked = await measured(registry, () => push(proxy.address, 'fresh'), proxy);
  tell('many', 1, 'link', `${layerCount} layers`, linked);
  await proxy.stop();
  return { direct, linked };
}

/** The same push with a smaller and a larger image, for what they take of memory. */
async function measureMemory(program: string, registry: Registry, sizes: readonly number[]) {
  const found: { bytes: number; took: Measurement }[] = [];
  for (const bytes of sizes) {
    const image = await prepare('large', largeImage(bytes));
    const repository = `${registry.address}/large-${bytes}`;
    const took = await measured(registry, () =>
      ours(program, 'zstd').push({ image, repository, scenario: 'cold' }),
    );
    tell('memory', 1, 'cold', `${bytes / 1e9} GB`, took);
    found.push({ bytes, took });
  }
  return found;
}

/** How often this program pushes for each time that another one does, before and after it. */
const repeats = 3;

/** This program's pushes with the others' between them: a busy moment hits both. */
function inTurn(mine: Contender, others: readonly Contender[]): Contender[] {
  const longest = Math.max(repeats, others.length);
  return Array.from({ length: longest }, (_, index) => [
    ...(index < repeats ? [mine] : []),
    ...others.slice(index, index + 1),
  ]).flat();
}

/**
 * Who takes part in what. Tools that send everything again take the same time for it as before: over
 * the link they push once, from a file no second time on a fresh machine.
 */
function field(program: string, fromFile: readonly Contender[]) {
  const zstd = ours(program, 'zstd');
  const gzip = ours(program, 'gzip');
  const direct: Record<ScenarioId, Contender[]> = {
    cold: inTurn(zstd, [gzip, streamToSkopeo, ...fromFile]),
    local: inTurn(zstd, [streamToSkopeo, ...fromFile]),
    fresh: inTurn(zstd, [streamToSkopeo]),
    changed: inTurn(zstd, [streamToSkopeo]),
  };
  const linked: Record<ScenarioId, Contender[]> = {
    cold: inTurn(zstd, [gzip, streamToSkopeo]),
    local: [],
    fresh: [zstd],
    changed: [zstd],
  };
  return { direct, linked };
}

async function bench(options: Options): Promise<Findings> {
  const program = copyProgram();
  const registry = await startRegistry();
  try {
    const machine = await describeMachine();
    say('making the image (kept for the next time)');
    const base = await prepare('base', chosenImage(options, '1'));
    const changed = await prepare('changed', chosenImage(options, '2'));
    const limits = await measureLimits(base.paths);
    say('writing the docker-archive');
    const { archive, usage: writing } = await writeArchive(base.conf);
    const images: Images = { base: { ...base, archive }, changed };
    const crane = await craneIfThere();
    const { direct, linked } = field(program, [fileToSkopeo, ...crane]);
    const { rounds } = options;
    say('pushes');
    const course = { registry, images, rounds };
    const straight = await runCourse({ ...course, name: 'direct', contenders: direct });
    say('pushes over the link of a runner');
    const overLink = await runCourse({
      ...{ ...course, rounds: 1, name: 'link' },
      ...{ link: runnerLink, contenders: linked },
    });
    say('copies of a built output');
    const copies = await measureCopies(program, registry, { ...base, archive });
    say('many layers, memory');
    const many = await measureManyLayers(program, registry);
    const memory = await measureMemory(program, registry, options.memory);
    return {
      ...{
        machine,
        rounds,
        repeats,
        limits,
        writing,
        straight,
        overLink,
        copies,
        many,
        layerCount,
        memory,
      },
      craneIsThere: crane.length > 0,
    };
  } finally {
    await registry.stop();
    for (const rest of ['image.tar', 'fresh', 'tmp']) {
      rmSync(join(workspace, rest), { recursive: true, force: true });
    }
  }
}

// ends the registry as well
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const options = readOptions(process.argv.slice(2));
const text = report(await bench(options));
console.log(text);
if (options.write) writeReport(text);
