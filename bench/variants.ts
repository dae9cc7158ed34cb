// npm run bench:variants: what it takes to evaluate four variants of templates/layered, of eight layers each,
// beside what one takes: seconds of the processor, and the most memory that Nix has at a time. nixpkgs is the
// stand-in, which gives less work that variants have in common than the real one.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../src/host/host.ts';
import { processRunner } from '../src/host/process.ts';
import { evaluate } from '../src/nix/evaluate.ts';
import { evaluateVariants } from '../src/nix/evaluate-variants.ts';
import { findNix } from '../src/nix/nix.ts';
import type { Nix } from '../src/nix/types.ts';
import { copyTemplate } from '../test/integration/templates/layered-project.ts';
import { quietHost } from '../test/tools/host.ts';
import { table } from './push/table.ts';

const rounds = 5;
const variants = ['cu126-py312', 'cu128-py312', 'cu128-py313', 'cu130-py313'];
const ends: (() => unknown)[] = [];
try {
  const project = await copyTemplate({ after: end => ends.push(end) });
  const usage = join(project.folder, '../usage.json');
  const nix = await findNix(quietHost({ env: process.env, run: measured(usage) }));
  if (!nix) throw new Error('there is no Nix on PATH');
  const overrideInputs = [{ input: 'nixpkgs', flake: `path:${project.nixpkgs}` }];
  const flake = `path:${project.folder}`;
  const settings = { overrideInputs, cwd: project.folder, acceptFlakeConfig: false };
  const one = await measure(usage, () => evaluateOne(nix, flake, settings));
  const all = await measure(usage, () => evaluateAll(nix, flake, settings));
  const row = (name: string, { seconds, bytes }: Cost) => [
    ...[name, seconds.toFixed(2), (bytes / 1e6).toFixed(0)],
    ...[(seconds / one.seconds).toFixed(2), (bytes / one.bytes).toFixed(2)],
  ];
  const head = ['evaluated', 's', 'MB', '× s', '× MB'];
  console.log(table(head, [row('one variant', one), row(`${variants.length} variants`, all)]));
} finally {
  for (const end of ends) await end();
}

interface Cost {
  seconds: number;
  bytes: number;
}

/** Runs programs by way of Python, which knows what one has used when it is over. */
function measured(usage: string): Host['run'] {
  const script = `
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
json.dump({"seconds": used.ru_utime + used.ru_stime, "bytes": used.ru_maxrss * 1024}, open("${usage}", "w"))
sys.exit(code)`;
  const run = processRunner(process.env);
  return ({ file, args, ...more }) =>
    run({ ...more, file: 'python3', args: ['-c', script, file, ...args] });
}

type Settings = Parameters<typeof evaluateVariants>[2];

async function evaluateOne(nix: Nix, flake: string, settings: Settings): Promise<void> {
  await evaluate(nix, { ...settings, installables: [`${flake}#comfyui-${variants.at(-1)}`] });
}

async function evaluateAll(nix: Nix, flake: string, settings: Settings): Promise<void> {
  const patterns = variants.map(name => `comfyui-${name}`);
  const asked = { flake, system: 'x86_64-linux', patterns, own: [] };
  const evaluated = await evaluateVariants(nix, asked, settings);
  const failures = evaluated.flatMap(each => ('failure' in each ? [each.failure] : []));
  if (failures[0]) throw failures[0];
}

/** Medians of the rounds. */
async function measure(usage: string, work: () => Promise<unknown>): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await work();
    costs.push(JSON.parse(readFileSync(usage, 'utf8')));
  }
  const median = (field: keyof Cost) =>
    costs.map(cost => cost[field]).sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
  return { seconds: median('seconds'), bytes: median('bytes') };
}
