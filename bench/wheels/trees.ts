import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Project } from '../../test/integration/templates/stand-in.ts';
import type { TestRegistry } from '../../test/tools/registry.ts';
import { type Machine, runOn } from '../rebuild/machine.ts';

const compare = fileURLToPath(new URL('tree.py', import.meta.url));

/**
 * Compares what Nix alone makes of the project, on a machine that has its image's store paths, with an
 * image in the registry.
 *
 * @returns how many entries there are, and how many differ
 * @throws where one differs: which
 */
export async function sameTrees(
  machine: Machine,
  project: Project,
  registry: TestRegistry,
  manifest: string,
): Promise<string> {
  const file = (digest: string) => {
    const hash = digest.replace('sha256:', '');
    const blobs = join(registry.folder, 'data/docker/registry/v2/blobs/sha256');
    return join(blobs, hash.slice(0, 2), hash, 'data');
  };
  const { layers } = JSON.parse(readFileSync(file(manifest), 'utf8')) as {
    layers: { digest: string }[];
  };
  const link = join(machine.folder, 'streamed');
  const said = join(machine.folder, 'trees');
  await runOn(machine, [
    ...['nix', '--extra-experimental-features', 'nix-command flakes', 'build', '--out-link', link],
    ...[`path:${project.folder}#comfyui`, '--override-input', 'nixpkgs', `path:${project.nixpkgs}`],
  ]);
  const words = [compare, link, ...layers.map(({ digest }) => file(digest))];
  await runOn(machine, ['sh', '-c', '"$@" > "$0"', said, '/usr/bin/python3', ...words]);
  return readFileSync(said, 'utf8').trim().replaceAll('\n', '; ');
}
