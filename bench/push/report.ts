import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Copies } from './copies.ts';
import type { Limits } from './limits.ts';
import { runnerLink } from './link.ts';
import type { MachineDescription } from './machine.ts';
import type { Measurement, Results } from './rounds.ts';
import { type ScenarioId, scenarios } from './scenarios.ts';
import { type Cells, table } from './table.ts';
import type { Usage } from './workspace.ts';

/** All that a run of the benchmark found. */
export interface Findings {
  machine: MachineDescription;
  rounds: number;
  /** Pushes of this program in each round. */
  repeats: number;
  limits: Limits;
  /** What writing the docker-archive took. */
  writing: Usage;
  straight: Results;
  overLink: Results;
  copies: readonly Copies[];
  many: { direct: Measurement; linked: Measurement };
  layerCount: number;
  memory: { bytes: number; took: Measurement }[];
  craneIsThere: boolean;
}

const document = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const [begin, end] = ['<!-- bench: begin -->', '<!-- bench: end -->'];
const [zstd, gzip, stream] = ['comfy-nix, zstd', 'comfy-nix, gzip', 'stream \\| skopeo'];

/** The findings as Markdown. */
export function report(findings: Findings): string {
  const { machine, limits, rounds, repeats, writing, straight, overLink } = findings;
  const size = `${(limits.bytes / 1e9).toFixed(2)} GB in ${limits.files} files`;
  return [
    `${machine.text}. The image: ${size}. comfy-nix with zstd pushed ${rounds * repeats} times, the others ${rounds}, in turn; medians. Over the link comfy-nix with zstd pushed ${repeats} times cold, all else once.`,
    '### On one machine',
    resultTable(straight),
    fileNote(findings, writing),
    '### Over a link of 100 MB/s and 20 ms there and back',
    resultTable(overLink),
    '### What else it took',
    detailTable(straight),
    '### What this machine can do',
    limitTable(findings),
    '### To reach',
    goalTable(findings),
  ].join('\n\n');
}

/** Puts the text into docs/performance.md, between its markers. */
export function writeReport(text: string): void {
  const whole = readFileSync(document, 'utf8');
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} lacks ${begin} or ${end}`);
  const kept = [whole.slice(0, from + begin.length), whole.slice(to)];
  writeFileSync(document, kept.join(`\n\n${text}\n\n`));
}

type Number = (measurement: Measurement) => number;

function median(measurements: readonly Measurement[] | undefined, of: Number): number {
  const values = (measurements ?? []).map(of).sort((a, b) => a - b);
  const middle = values.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [
    values[Math.ceil(middle) - 1],
    values[Math.floor(middle)],
  ];
  return (low + high) / 2;
}

const wall: Number = taken => taken.seconds;
const cpu: Number = taken => taken.cpuSeconds;
const seconds = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} s`;
const megabytes = (value: number) => `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} MB`;

function contendersOf(results: Results): string[] {
  return [...new Set([...results.values()].flatMap(byName => [...byName.keys()]))];
}

/** Wall time and CPU seconds of each push, and how this program compares with the streamer. */
function resultTable(results: Results): string {
  const names = contendersOf(results);
  const rows = scenarios.flatMap(({ id, title }): Cells[] => {
    const of = results.get(id);
    if (!of || of.size === 0) return [];
    const cells = names.map(name => {
      const all = of.get(name);
      return all ? `${seconds(median(all, wall))} (${median(all, cpu).toFixed(1)})` : '';
    });
    const compared = of.has(stream)
      ? `${ratio(results, id, wall)} (${ratio(results, id, cpu)})`
      : '';
    return [[title, ...cells, compared]];
  });
  return table(['push; wall time (CPU seconds)', ...names, 'zstd against stream'], rows);
}

/** How many times more the streamer takes. */
function factor(results: Results, scenario: ScenarioId, of: Number, mine = zstd): number {
  const byName = results.get(scenario);
  return median(byName?.get(stream), of) / median(byName?.get(mine), of);
}

const ratio = (results: Results, scenario: ScenarioId, of: Number) => {
  const value = factor(results, scenario, of);
  return `${value.toFixed(value < 10 ? 1 : 0)}×`;
};

function fileNote({ craneIsThere }: Findings, writing: Usage): string {
  const crane = craneIsThere ? '' : ' `crane` is not installed on this machine: not measured.';
  return `The file was written by the streamer in ${seconds(writing.seconds)} (${writing.cpuSeconds.toFixed(1)} CPU seconds), which are not in the table.${crane} On the fresh machine the others find the whole store, for nothing; comfy-nix finds an empty one.`;
}

function detailTable(results: Results): string {
  const rows = scenarios.flatMap(({ id, title }) =>
    [...(results.get(id) ?? [])].map(([name, all]) => [
      `${title}: ${name}`,
      median(all, taken => taken.requests).toFixed(0),
      megabytes(median(all, taken => taken.bytes)),
      megabytes(median(all, taken => taken.peakBytes)),
      seconds(median(all, taken => taken.registrySeconds)),
    ]),
  );
  const heads = ['push', 'requests', 'bytes sent', 'peak memory', 'CPU time of the registry'];
  return table(heads, rows);
}

/** Round trips that a push may take one after the other, the layers aside. */
const roundTrips = 12;

/** Seconds in which the link carries what a push has sent. */
export const linkFloor: Number = ({ bytes }) =>
  bytes / runnerLink.rate + (roundTrips * runnerLink.roundTrip) / 1000;

/** The link's floor, and what the cores that it shares with the registry did meanwhile. */
function floorNote({ overLink, machine }: Findings): string {
  const all = overLink.get('cold')?.get(zstd);
  const [took, floor] = [median(all, wall), median(all, linkFloor)];
  const working = median(all, taken => taken.cpuSeconds + taken.registrySeconds) / machine.cores;
  return `${seconds(took)} of ${seconds(floor)} (bytes by rate, ${roundTrips} round trips): ${(took / floor).toFixed(2)}×; the cores were at work for ${seconds(working)}`;
}

/** Seconds on all cores for reading, hashing twice and compressing the image. */
function impliedTime({ limits, machine }: Findings, compression: 'zstd' | 'gzip'): number {
  const { read, sha256, bytes } = limits;
  const left = limits[`${compression}Ratio`];
  const perMegabyte = 1 / read + (1 + left) / sha256 + 1 / limits[compression];
  return ((bytes / 1e6) * perMegabyte) / machine.cores;
}

function limitTable(findings: Findings): string {
  const { limits, machine } = findings;
  const rate = (value: number) => `${value.toFixed(0)} MB/s`;
  const left = (ratio: number) => `leaves ${(100 * ratio).toFixed(0)} %`;
  const rows = [
    ['walk, read from the page cache, make the tar', rate(limits.read), ''],
    ['sha256', rate(limits.sha256), ''],
    [
      'zstd as layers are packed, frames of 4 MiB, each in one call',
      rate(limits.zstd),
      left(limits.zstdRatio),
    ],
    ['gzip, level 1, members of 4 MiB', rate(limits.gzip), left(limits.gzipRatio)],
    [
      `all of it with zstd, on ${machine.cores} cores`,
      seconds(impliedTime(findings, 'zstd')),
      'reading, hashing twice, compressing; without sending',
    ],
    [
      `all of it with gzip, on ${machine.cores} cores`,
      seconds(impliedTime(findings, 'gzip')),
      'the same',
    ],
  ];
  return table(['work', 'one core (by CPU time)', ''], rows);
}

function goalTable(findings: Findings): string {
  const { straight, copies, many, memory, layerCount } = findings;
  const wallOf = (scenario: ScenarioId, name = zstd) =>
    median(straight.get(scenario)?.get(name), wall);
  const limit = impliedTime(findings, 'zstd');
  const cpuCold = median(straight.get('cold')?.get(zstd), cpu);
  const registry = median(straight.get('cold')?.get(zstd), taken => taken.registrySeconds);
  const shared = limit + registry / findings.machine.cores;
  const rows = [
    [
      'cold push against `stream \\| skopeo`',
      'at least 3×, wall and CPU',
      `${ratio(straight, 'cold', wall)} and ${ratio(straight, 'cold', cpu)}`,
    ],
    [
      "cold push against the machine's limit",
      'within 1.5×',
      `${(wallOf('cold') / limit).toFixed(2)}×; ${(wallOf('cold') / shared).toFixed(2)}× with what the registry takes of the same cores; in CPU seconds ${(cpuCold / limit / findings.machine.cores).toFixed(2)}×`,
    ],
    ["cold push over the link, against the link's floor", 'within 1.15×', floorNote(findings)],
    [
      'unchanged, fresh machine',
      'under 0.5 s; at least 60× skopeo',
      `${seconds(wallOf('fresh'))}, start-up and evaluation included; ${ratio(straight, 'fresh', wall)}`,
    ],
    [
      'smallest layer changed, fresh machine',
      'that layer and 0.5 s',
      `${seconds(wallOf('changed'))}, its build included`,
    ],
    [
      'gzip, cold',
      'faster than `stream \\| skopeo`',
      `${seconds(wallOf('cold', gzip))} against ${seconds(wallOf('cold', stream))}: ${factor(straight, 'cold', wall, gzip).toFixed(1)}×`,
    ],
    [
      'peak memory',
      'under 300 MB, the same for small and large',
      memory
        .map(({ bytes, took }) => `${megabytes(took.peakBytes)} for ${bytes / 1e9} GB`)
        .join(', '),
    ],
    [
      'unchanged `copy ./result`',
      'under 1 s',
      copies
        .map(
          ({ form, first, again }) =>
            `${form}: ${seconds(again.seconds)}, after ${seconds(first.seconds)}`,
        )
        .join('; '),
    ],
    [
      `requests for ${layerCount} unchanged layers`,
      'under 110, in parallel',
      `${many.direct.requests}; ${seconds(many.direct.seconds)}, over the link ${seconds(many.linked.seconds)}`,
    ],
  ];
  return table(['', 'to reach', 'measured'], rows);
}
