import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BenchImage, streamer } from './contenders.ts';
import type { Registry } from './registry.ts';
import { type Measurement, measured, tell } from './rounds.ts';
import { fullMachine, measureOn, runOn, workspace } from './workspace.ts';

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
  { conf, archive }: BenchImage,
): Promise<Copies[]> {
  const found: Copies[] = [];
  if (archive !== undefined) {
    found.push(await copyTwice(program, registry, 'docker-archive', await stored(archive)));
  }
  const script = join(workspace, 'stream-bench');
  const lines = ['#!/bin/sh', `exec python3 ${streamer} ${await stored(conf)}`];
  writeFileSync(script, `${lines.join('\n')}\n`, { mode: 0o755 });
  found.push(await copyTwice(program, registry, 'streamLayeredImage', await stored(script)));
  return found;
}

/** The store path of a file, which is added to the store. */
async function stored(file: string): Promise<string> {
  return (await runOn(fullMachine, ['nix-store', '--add', file])).trim();
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
