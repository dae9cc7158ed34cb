import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const exampleFolder = fileURLToPath(new URL('../../../examples/hermetic', import.meta.url));

/** Layers 0 to 6 and the final target, as the flake names them. */
export const targetNames = [
  'layer0-base',
  'layer1-python',
  'layer2-wheels',
  'layer3-pytorch',
  'layer4-deps',
  'layer5-perf',
  'layer6-app',
  'comfyui',
] as const;

export type TargetName = (typeof targetNames)[number];

/** A copy of `examples/hermetic` that a test may change, and the folder that is its busybox. */
export interface Example {
  folder: string;
  busybox: string;
}

/** What evaluation says of a target. */
export interface Target {
  drv: string;
  out: string;
}

/** Nix's name of this machine. */
export const system = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;

/** Copies the example, and the machine's /bin/busybox (package busybox-static), for one test. */
export async function copyExample(context: TestContext): Promise<Example> {
  const example = await emptyExample(context);
  await cp(exampleFolder, example.folder, { recursive: true });
  return example;
}

/** The same without a flake, for a test that writes its own. */
export async function emptyExample(context: TestContext): Promise<Example> {
  const parent = await mkdtemp(join(tmpdir(), 'hermetic-'));
  context.after(() => rm(parent, { recursive: true, force: true }));
  const example = { folder: join(parent, 'hermetic'), busybox: join(parent, 'shell') };
  await mkdir(example.folder);
  await mkdir(join(example.busybox, 'bin'), { recursive: true });
  await cp('/bin/busybox', join(example.busybox, 'bin/busybox'));
  return example;
}

/** Runs a program to its end and returns its standard output; a non-zero exit rejects. */
export async function run(file: string, args: readonly string[], cwd?: string): Promise<string> {
  return (await execute(file, args, { cwd, maxBuffer: 1 << 26 })).stdout;
}

/** Runs `nix` with flakes on. */
export function nix(args: readonly string[], cwd?: string): Promise<string> {
  return run('nix', ['--extra-experimental-features', 'nix-command flakes', ...args], cwd);
}

/** The flags that hand the busybox in. */
export function withBusybox({ busybox }: Example): string[] {
  return ['--override-input', 'busybox', `path:${busybox}`];
}

/** Evaluates one attribute of the example's packages with a Nix function applied to it. */
export async function evaluate<T>(example: Example, attribute: string, apply: string): Promise<T> {
  const installable = `path:${example.folder}#packages.${attribute}`;
  const json = await nix([
    ...['eval', '--json', installable, '--apply', apply],
    ...withBusybox(example),
  ]);
  return JSON.parse(json);
}

/** Derivation and output path of every target; nothing is built. */
export async function evaluateTargets(example: Example): Promise<Record<TargetName, Target>> {
  const targets = await evaluate<Record<string, Target>>(
    example,
    system,
    'builtins.mapAttrs (_: target: { drv = target.drvPath; out = target.outPath; })',
  );
  const { default: defaultTarget, ...named } = targets;
  assert.deepEqual(defaultTarget, named.comfyui);
  assert.deepEqual(Object.keys(named).sort(), [...targetNames].sort());
  return named as Record<TargetName, Target>;
}

/** What a store path refers to (`--references`), or that and all it needs (`--requisites`). */
export async function query(
  kind: '--references' | '--requisites',
  path: string,
): Promise<Set<string>> {
  const paths = await run('nix-store', ['--query', kind, path]);
  return new Set(paths.split('\n').filter(line => line !== ''));
}
