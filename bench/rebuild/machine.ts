import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { recordSchema } from '../../src/record/schema.ts';
import type { BuildRecord } from '../../src/record/types.ts';
import type { Project } from '../../test/integration/templates/stand-in.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A machine as far as Nix and this program see it: a store and a home of its own. */
export interface Machine {
  folder: string;
}

/** A machine with an empty store and an empty home, in place of what the folder held. */
export function freshMachine(folder: string): Machine {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return { folder };
}

/** Runs a program there to its end; a failure rejects with what it said last. */
export function runOn({ folder }: Machine, words: readonly string[]): Promise<void> {
  const places = ['--nix', join(folder, 'nix'), '--home', join(folder, 'home')];
  const child = spawn(join(root, 'test/tools/with-nix'), ['system', ...places, '--', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', chunk => {
    said = `${said}${chunk}`.slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => {
      if (code === 0) resolve();
      else reject(new Error(`${words.join(' ')}: exit code ${code}\n${said}`));
    });
  });
}

/** What an image is built from, and where it goes. */
export interface Work {
  project: Project;
  /** The registry's repository. */
  image: string;
  /** A binary cache with what nixpkgs' caches have. */
  cache: string;
  maxLayerSize: string;
}

/** Builds and pushes the project's image there, as a user does. */
export async function buildOn(machine: Machine, work: Work): Promise<BuildRecord> {
  const { project, image, cache, maxLayerSize } = work;
  const record = join(machine.folder, 'record.json');
  await runOn(machine, [
    ...[process.execPath, join(root, 'dist/cli.js'), 'build', `path:${project.folder}#comfyui`],
    ...['--override-inputs', `nixpkgs=path:${project.nixpkgs}`, '--image', image],
    ...['--no-cuda-caches', '--extra-substituters', cache],
    ...['--max-layer-size', maxLayerSize, '--record', record],
  ]);
  return v.parse(recordSchema, JSON.parse(readFileSync(record, 'utf8')));
}
