// npm run bench:wheels: templates/layered with the wheels that its lock names, about 3.6 GB from the
// package index: is what it makes an image that works, what does another nixpkgs move of it, and what
// does a host that has an image pull of the next? Needs root, a network, 40 GB of disk, podman, gcc,
// docker-registry and the packages of test/nixpkgs-stand-in/prepare.
//
// What was downloaded stays in build/bench/wheels. nixpkgs is the stand-in with Debian trixie's Python
// and real packages from the index (wheels/layer1.txt); ComfyUI and SAM-2 are small.

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildRecord } from '../src/record/types.ts';
import { run } from '../test/integration/templates/stand-in.ts';
import { startRegistry } from '../test/tools/registry.ts';
import { measurePulls, type PulledImage, pullTable } from './pulls/measure.ts';
import { table } from './push/table.ts';
import { buildOn, freshMachine, type Machine, runOn, type Work } from './rebuild/machine.ts';
import { changes } from './wheels/changes.ts';
import { tryImage } from './wheels/image.ts';
import { realProject } from './wheels/project.ts';
import { sameTrees } from './wheels/trees.ts';

const workspace = fileURLToPath(new URL('../build/bench/wheels', import.meta.url));
const machineFolder = join(workspace, 'machine');
const cache = `file://${join(workspace, 'cache')}`;

/** One build on a fresh machine. */
interface Built {
  what: string;
  record: BuildRecord;
  /** Unpacked, from the cache. */
  fetchedBytes: number;
  /** Store paths of NVIDIA's wheels that the machine has afterwards. */
  nvidiaPaths: number;
}

async function build(what: string, work: Work): Promise<Built> {
  const machine = freshMachine(machineFolder);
  const record = await buildOn(machine, work);
  await keep(machine);
  const substituters = record.caches?.substituters ?? [];
  console.error(`${what}: ${record.seconds.toFixed(0)} s`);
  return {
    ...{ what, record },
    fetchedBytes: substituters.reduce((sum, { narSize }) => sum + narSize, 0),
    nvidiaPaths: nvidiaPathsOf(machine),
  };
}

/** Puts what a machine has made into the cache, which the next one has. */
async function keep(machine: Machine): Promise<void> {
  const nix = ['nix', '--extra-experimental-features', 'nix-command'];
  await runOn(machine, [...nix, 'copy', '--all', '--to', `${cache}?compression=zstd`]);
}

function nvidiaPathsOf({ folder }: Machine): number {
  const names = readdirSync(join(folder, 'nix/store'));
  return names.filter(name => /^.{32}-nvidia-/.test(name) && !/\.(drv|lock|chroot)$/.test(name))
    .length;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function buildTable(builds: readonly Built[]): string {
  return table(
    ['a fresh machine', 'sent', 'of the image', 'bytecode', 'from the cache', "NVIDIA's", 'time'],
    builds.map(({ what, record, fetchedBytes, nvidiaPaths }) => {
      const size = record.image?.size ?? Number.NaN;
      const compiled = record.layers.filter(({ name }) => name.startsWith('bytecode-'));
      const blobs = compiled.flatMap(layer => layer.blobs);
      const bytecode = blobs.reduce((sum, blob) => sum + blob.size, 0);
      const share = (bytes: number) => `${((100 * bytes) / size).toFixed(2)} %`;
      return [
        what,
        megabytes(record.sentBytes),
        share(record.sentBytes),
        share(bytecode),
        megabytes(fetchedBytes),
        `${nvidiaPaths} paths`,
        `${record.seconds.toFixed(0)} s`,
      ];
    }),
  );
}

const ends: (() => unknown)[] = [];
const lifetime = { after: (end: () => unknown) => ends.unshift(end) };
try {
  mkdirSync(join(workspace, 'cache'), { recursive: true });
  await run(fileURLToPath(new URL('wheels/nixpkgs', import.meta.url)), [workspace]);
  const registry = await startRegistry();
  ends.unshift(registry.stop);
  const nixpkgs = join(workspace, 'nixpkgs');
  const project = await realProject(lifetime, join(workspace, 'project'), nixpkgs);
  const image = `${registry.address}/comfyui`;
  const work = { project, image, cache: `${cache}?trusted=true`, maxLayerSize: '1GiB' };

  const first = await build('the first build', work);
  const tools = join(workspace, 'tools');
  const tried = await tryImage(`${image}:cu130-py313`, tools, join(workspace, 'debian'));
  console.log(`${table(['in podman', ''], tried)}\n`);
  const machine = { folder: machineFolder };
  const digest = first.record.image?.digest ?? '';
  const trees = await sameTrees(machine, project, registry, digest);
  console.log(`the tree by Nix alone, beside it: ${trees}\n`);

  work.project = { ...project, nixpkgs: join(workspace, 'nixpkgs-moved') };
  const builds = [first];
  builds.push(await build('another nixpkgs, the same wheels', work));
  for (const [what, change] of Object.entries(changes)) {
    await change(project, workspace);
    builds.push(await build(what, work));
  }
  console.log(`${buildTable(builds)}\n`);

  rmSync(machineFolder, { recursive: true });
  const images = builds.map(
    ({ what, record }): PulledImage => ({
      what,
      digest: record.image?.digest ?? '',
      sentBytes: record.sentBytes,
    }),
  );
  const pulls = await measurePulls(join(workspace, 'docker'), registry.address, 'comfyui', images);
  console.log(pullTable(pulls));
} finally {
  for (const end of ends) await end();
}
