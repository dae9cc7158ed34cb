import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScenarioId } from './scenarios.ts';
import {
  execute,
  fullMachine,
  measureOn,
  onFreshMachine,
  temporaryFolder,
  type Usage,
  workspace,
} from './workspace.ts';

export const streamer = fileURLToPath(
  new URL('../../test/tools/stream_layered_image.py', import.meta.url),
);

/** One push of an image. */
interface Push {
  image: BenchImage;
  /** "127.0.0.1:PORT/NAME". */
  repository: string;
  scenario: ScenarioId;
}

/** An image in the forms in which the tools take it. */
export interface BenchImage {
  /** The folder of the flake whose target `image` it is. */
  flake: string;
  /** What nixpkgs' streamer reads. */
  conf: string;
  /** A docker-archive, where one was written. */
  archive?: string;
}

/** A way to push. */
export interface Contender {
  name: string;
  /** Whether it needs the docker-archive. */
  needsArchive: boolean;
  push(push: Push): Promise<Usage>;
}

/**
 * This program. Its time holds everything from process start on, evaluation included. A fresh machine
 * has an empty store and an empty home.
 */
export function ours(program: string, compression: 'zstd' | 'gzip', target = 'image'): Contender {
  return {
    name: `comfy-nix, ${compression}`,
    needsArchive: false,
    push({ image, repository, scenario }) {
      const words = [
        ...[process.execPath, program, 'build', `path:${image.flake}#${target}`],
        ...['--image', repository, '--compression', compression, '--install-nix', 'none'],
      ];
      const storeIsThere = scenario === 'cold' || scenario === 'local';
      return storeIsThere
        ? measureOn(fullMachine, words)
        : onFreshMachine(machine => measureOn(machine, words));
    },
  };
}

/** The others get the store's content for free also on a fresh machine; only what skopeo learnt is lost. */
function peer(
  name: string,
  needsArchive: boolean,
  words: (image: BenchImage, repository: string) => string[],
): Contender {
  return {
    name,
    needsArchive,
    push: ({ image, repository, scenario }) => {
      const containers = join(workspace, 'containers', name.replace(/\W+/g, '-'));
      if (scenario !== 'local') rmSync(containers, { recursive: true, force: true });
      return measureOn({ ...fullMachine, containers }, words(image, repository));
    },
  };
}

const pipe = (script: string, ...args: string[]) => [
  ...['bash', '-c', `set -o pipefail; ${script}`, 'bash'],
  ...args,
];

/**
 * nixpkgs' streamer into skopeo, which reads a docker-archive from a pipe only when it is compressed.
 * The manual of nixpkgs has `gzip --fast` between them; this level of zstd does next to nothing.
 */
export const streamToSkopeo = peer('stream \\| skopeo', false, ({ conf }, repository) =>
  pipe(
    'python3 "$1" "$2" | zstd -q --fast=1000 | skopeo copy -q --insecure-policy --tmpdir "$3" --dest-tls-verify=false docker-archive:/dev/stdin "docker://$4:bench"',
    ...[streamer, conf, temporaryFolder(), repository],
  ),
);

export const fileToSkopeo = peer('skopeo, from a file', true, ({ archive }, repository) => [
  ...['skopeo', 'copy', '-q', '--insecure-policy', '--tmpdir', temporaryFolder()],
  ...['--dest-tls-verify=false', `docker-archive:${archive}`, `docker://${repository}:bench`],
]);

const fileToCrane = peer('crane, from a file', true, ({ archive = '' }, repository) => [
  ...['crane', 'push', '--insecure', archive, `${repository}:bench`],
]);

/** crane, where it is installed. */
export async function craneIfThere(): Promise<Contender[]> {
  const there = await execute(['crane', 'version']).then(
    () => true,
    () => false,
  );
  return there ? [fileToCrane] : [];
}

/** Writes what the streamer reads for an image of these layers, and returns the file. */
export function writeStreamConf(name: string, layers: readonly (readonly string[])[]): string {
  const folder = join(workspace, 'conf', name);
  mkdirSync(folder, { recursive: true });
  const empty = Buffer.alloc(10240); // a tar without entries
  writeFileSync(join(folder, 'layer.tar'), empty);
  writeFileSync(join(folder, 'checksum'), createHash('sha256').update(empty).digest('hex'));
  const conf = {
    config: { Cmd: ['/bin/app'] },
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    store_dir: '/nix/store',
    from_image: null,
    store_layers: layers,
    customisation_layer: folder,
    repo_tag: 'image:bench',
    created: '1970-01-01T00:00:01+00:00',
    mtime: '1970-01-01T00:00:01+00:00',
    uid: '0',
    gid: '0',
    uname: 'root',
    gname: 'root',
  };
  const file = join(folder, `${name}-conf.json`); // as nixpkgs calls it
  writeFileSync(file, JSON.stringify(conf));
  return file;
}

/** Writes the docker-archive that some tools need, and says what that took. */
export async function writeArchive(conf: string): Promise<{ archive: string; usage: Usage }> {
  const archive = join(workspace, 'image.tar');
  const usage = await measureOn(
    fullMachine,
    pipe('python3 "$1" "$2" > "$3"', streamer, conf, archive),
  );
  return { archive, usage };
}
