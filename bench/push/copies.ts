import { rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchImage, streamer } from './contenders.ts';
import type { Registry } from './registry.ts';
import { type Measurement, measured, tell } from './rounds.ts';
import { fullMachine, measureOn, runOn, workspace } from './workspace.ts';

const recipe = fileURLToPath(new URL('streamed.nix', import.meta.url));

/** The image as a built output in one form, copied into an empty repository and once more. */
export interface Copies {
  form: string;
  first: Measurement;
  /** With a home of its own, as on another machine. */
  again: Measurement;
}

/** `copy ./result` of the image as other tools build it, and again of the same one. */
export async function measureCopies(
  program: string,
  registry: Registry,
  { conf, archive, paths }: BenchImage & { paths: readonly string[] },
): Promise<Copies[]> {
  const found: Copies[] = [];
  if (archive !== undefined) {
    found.push(await copyTwice(program, registry, 'docker-archive', await stored(archive)));
  }
  found.push(await copyTwice(program, registry, 'streamLayeredImage', await streamed(conf, paths)));
  return found;
}

/** The store path of a file, which is added to the store. */
async function stored(file: string): Promise<string> {
  return (await runOn(fullMachine, ['nix-store', '--add', file])).trim();
}

async function streamed(conf: string, paths: readonly string[]): Promise<string> {
  const words = ['nix-build', '--no-out-link', recipe];
  const texts = { conf, layer: dirname(conf), streamer };
  for (const [name, text] of Object.entries(texts)) words.push('--argstr', name, text);
  const list = paths.map(path => `"${path}"`).join(' ');
  return (await runOn(fullMachine, [...words, '--arg', 'paths', `[ ${list} ]`])).trim();
}

async function copyTwice(
  program: string,
  registry: Registry,
  form: string,
  storePath: string,
): Promise<Copies> {
  const result = join(workspace, 'result');
  rmSync(result, { force: true });
  symlinkSync(storePath, result);
  const repository = `${registry.address}/copies/${basename(storePath).slice(0, 8)}`;
  const words = [process.execPath, program, 'copy', result, `${repository}:bench`];
  const copy = async (what: string) => {
    const took = await measured(registry, () => measureOn(fullMachine, words));
    tell('copy', 1, what, form, took);
    return took;
  };
  const first = await copy('first');
  return { form, first, again: await copy('again') };
}
