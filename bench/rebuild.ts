// npm run bench:rebuild: what a change of templates/layered makes anew, on the machine that built the
// image before it and on one with an empty store. Needs root and the Debian packages of
// test/nixpkgs-stand-in/prepare and docker-registry; uses no network. What was foreseen is told beside it.
//
// The template is real, nixpkgs and the wheels are stand-ins: rebuild/sizes.json says how much each
// package weighs. Changes follow one another; the two machines see the same registry for each.

import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildRecord, LayerRecord } from '../src/record/types.ts';
import { actualOf, roughBytes } from '../src/report/forecast.ts';
import { formatBytes } from '../src/report/units.ts';
import { startMoodyCache } from '../test/tools/cache-stand-in.ts';
import { startRegistry } from '../test/tools/registry.ts';
import { table } from './push/table.ts';
import { buildOn, freshMachine, type Machine, runOn, type Work } from './rebuild/machine.ts';
import { type WeightedProject, weightedProject } from './rebuild/project.ts';

const workspace = fileURLToPath(new URL('../build/bench/rebuild', import.meta.url));

/** Whether nixpkgs is another one afterwards: its own caches have that by then. */
interface Change {
  make(project: WeightedProject): Promise<void>;
  isOfNixpkgs?: true;
}

const changes: Record<string, Change> = {
  'nothing changed': { make: async () => {} },
  'nixpkgs moved, same versions': { make: project => project.moveNixpkgs(), isOfNixpkgs: true },
  'a Python patch release': { make: project => project.patchPython(), isOfNixpkgs: true },
  'a new cuDNN': { make: project => project.updateWheels({ 'nvidia-cudnn-cu13': '9.25.0' }) },
  'a new PyTorch': {
    make: project =>
      project.updateWheels({ torch: '2.15.0', torchvision: '0.30.0', triton: '3.9.0' }),
  },
  'one package of nixpkgs more': { make: project => project.addPackage() },
  'one wheel of 20 MB more': { make: project => project.addWheel() },
  'a new ComfyUI': { make: project => project.updateComfyUI('0.34.0') },
};

/** One build, and what came to the machine for it. */
interface Built {
  record: BuildRecord;
  /** From the binary cache (unpacked), and from where wheels and sources are downloaded. */
  fetchedBytes: { cache: number; downloads: number };
}

interface Row {
  change: string;
  /** Absent for the first build: that machine was a fresh one. */
  same?: Built;
  fresh: Built;
}

const cacheFolder = join(workspace, 'cache');

/** Fills the binary cache with all packages of nixpkgs, as its own caches have them. */
async function fillCache(nixpkgs: string): Promise<void> {
  const machine = freshMachine(join(workspace, 'builder'));
  const nix = ['nix', '--extra-experimental-features', 'nix-command flakes'];
  await runOn(machine, [...nix, 'build', '--no-link', `path:${nixpkgs}#everything`]);
  const cache = `file://${cacheFolder}?compression=zstd`;
  await runOn(machine, [...nix, 'copy', '--all', '--to', cache]);
}

async function build(machine: Machine, project: WeightedProject, work: Work): Promise<Built> {
  const before = project.downloadedBytes();
  const record = await buildOn(machine, work);
  const fromCaches = record.caches?.substituters.map(({ narSize }) => narSize) ?? [];
  const cache = fromCaches.reduce((sum, size) => sum + size, 0);
  return { record, fetchedBytes: { cache, downloads: project.downloadedBytes() - before } };
}

/** Builds the first image and then every change, each on both machines. */
async function measure(
  project: WeightedProject,
  registry: { address: string; folder: string },
  cache: string,
): Promise<Row[]> {
  await fillCache(project.nixpkgs);
  const work: Work = {
    project,
    image: `${registry.address}/comfyui`,
    cache,
    maxLayerSize: `${Math.round(2 ** 30 / project.scale)}`,
  };
  const storage = join(registry.folder, 'data');
  const kept = join(workspace, 'registry-before');
  const replace = (to: string, from: string) => {
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true });
  };

  const same = freshMachine(join(workspace, 'same'));
  const rows: Row[] = [{ change: 'the first build', fresh: await build(same, project, work) }];
  for (const [change, { make, isOfNixpkgs }] of Object.entries(changes)) {
    await make(project);
    if (isOfNixpkgs) await fillCache(project.nixpkgs);
    replace(kept, storage);
    const there = await build(same, project, work);
    replace(storage, kept);
    const fresh = freshMachine(join(workspace, 'fresh'));
    rows.push({ change, same: there, fresh: await build(fresh, project, work) });
    writeFileSync(join(workspace, 'rows.json'), JSON.stringify(rows));
    console.error(`${change}: done`);
  }
  return rows;
}

/** What was done for layers: how many of their blobs were made and sent, or nothing. */
function doneFor(layers: readonly LayerRecord[]): string {
  const blobs = layers.flatMap(layer => layer.blobs);
  const sent = blobs.filter(({ transfer }) => transfer === 'uploaded').length;
  if (sent > 0) return sent === blobs.length ? '**made**' : `**${sent} of ${blobs.length}**`;
  return layers.some(({ origin }) => origin === 'built') ? 'built, not sent' : '·';
}

/** The column of a layer: all bytecode has one. */
const columnOf = ({ name }: LayerRecord) =>
  name.replace(/^layer\d-/, '').replace(/^bytecode-.*/, 'bytecode');

function layerTable(rows: readonly Row[]): string {
  const heads = [...new Set(rows[0]?.fresh.record.layers.map(columnOf))];
  const cell = (head: string, { same, fresh }: Row) => {
    const found = [same, fresh].flatMap(built => {
      const layers = built?.record.layers.filter(each => columnOf(each) === head) ?? [];
      return layers.length > 0 ? [doneFor(layers)] : [];
    });
    return [...new Set(found)].join(' / ');
  };
  return table(
    ['', ...heads],
    rows.map(row => [row.change, ...heads.map(head => cell(head, row))]),
  );
}

function numberTable(rows: readonly Row[]): string {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const seconds = (built: Built | undefined) =>
    built === undefined ? '' : `${built.record.seconds.toFixed(1)} s`;
  return table(
    [
      '',
      'sent',
      'of the image',
      'same machine',
      'fresh machine',
      'it took from caches',
      'it downloaded',
    ],
    rows.map(({ change, same, fresh }) => {
      const sent = [...new Set([same ?? fresh, fresh].map(({ record }) => record.sentBytes))];
      const share = (100 * fresh.record.sentBytes) / (fresh.record.image?.size ?? Number.NaN);
      return [
        change,
        sent.map(megabytes).join(' / '),
        `${share.toFixed(1)} %`,
        seconds(same),
        seconds(fresh),
        megabytes(fresh.fetchedBytes.cache),
        megabytes(fresh.fetchedBytes.downloads),
      ];
    }),
  );
}

/** What was foreseen on either machine, in brackets what it was, and the first cause. */
function foreseenTable(rows: readonly Row[]): string {
  const made = rows.filter(({ fresh }) => fresh.record.predicted !== undefined);
  return table(
    ['', 'derivations', 'fetched by Nix', 'sent', 'the first cause'],
    made.map(({ change, same, fresh }) => {
      const records = [same, fresh].flatMap(built => (built ? [built.record] : []));
      const cells = foreseenParts.map(part => [...new Set(records.map(part))].join(' / '));
      return [change, ...cells, fresh.record.why?.causes[0]?.text ?? ''];
    }),
  );
}

const foreseenParts: ((record: BuildRecord) => string)[] = [
  record => `${record.predicted?.builds} (${actualOf(record).builds})`,
  ({ predicted, downloadBytes }) =>
    `${formatBytes(predicted?.fetchBytes ?? Number.NaN)} (${formatBytes(downloadBytes)})`,
  ({ predicted, sentBytes }) =>
    `${predicted ? roughBytes(predicted.send) : ''} (${formatBytes(sentBytes)})`,
];

const ends: (() => unknown)[] = [];
const lifetime = { after: (end: () => unknown) => ends.unshift(end) };
try {
  rmSync(workspace, { recursive: true, force: true });
  const registry = await startRegistry();
  ends.unshift(registry.stop);
  const cache = await startMoodyCache(cacheFolder);
  ends.unshift(cache.stop);
  const project = await weightedProject(lifetime);
  const rows = await measure(project, registry, `${cache.url}?trusted=true`);
  console.log([layerTable(rows), numberTable(rows), foreseenTable(rows)].join('\n\n'));
} finally {
  for (const end of ends) await end();
}
