import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Images } from './images.ts';
import { fullMachine, runOn, workspace } from './workspace.ts';

const template = fileURLToPath(new URL('flake', import.meta.url));
const nix = ['nix', '--extra-experimental-features', 'nix-command flakes'];

/** Nix's name of this machine. */
const system = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;

/** Text without context: printing it builds nothing. */
const describeLayers = `
  image: map (layer: {
    drv = builtins.unsafeDiscardStringContext layer.target.drvPath;
    path = builtins.unsafeDiscardStringContext layer.target.outPath;
  }) image.recipe.layers`;

/** Writes a flake with these images and returns its folder. */
export function writeFlake(name: string, images: Images): string {
  const folder = join(workspace, 'flakes', name);
  mkdirSync(folder, { recursive: true });
  cpSync(template, folder, { recursive: true });
  const spec = { system, node: process.execPath, images };
  writeFileSync(join(folder, 'images.json'), JSON.stringify(spec, null, 2));
  return folder;
}

/**
 * Builds an image's layers in the full store, where that is not done yet, and returns the store paths
 * of each: the closure of its target without what the layers before it hold.
 */
export async function realiseLayers(flake: string, image: string): Promise<string[][]> {
  const installable = `path:${flake}#${image}`;
  const json = await runOn(fullMachine, [
    ...nix,
    'eval',
    '--json',
    installable,
    '--apply',
    describeLayers,
  ]);
  const targets = JSON.parse(json) as { drv: string; path: string }[];
  await runOn(fullMachine, ['nix-store', '--realise', ...targets.map(({ drv }) => drv)]);
  const held = new Set<string>();
  const layers: string[][] = [];
  for (const { path } of targets) {
    const closure = await runOn(fullMachine, ['nix-store', '--query', '--requisites', path]);
    const content = closure.split('\n').filter(line => line !== '' && !held.has(line));
    for (const each of content) held.add(each);
    layers.push(content.sort());
  }
  return layers;
}
