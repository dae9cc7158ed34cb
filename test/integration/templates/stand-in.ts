import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const prepare = fileURLToPath(new URL('../../nixpkgs-stand-in/prepare', import.meta.url));

/** What ends when its user does: a test, or a benchmark. */
export interface Lifetime {
  after(end: () => unknown): void;
}

/** A folder that ends with the test, and that all users may read. */
export async function temporaryFolder(context: Lifetime, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  await chmod(folder, 0o755);
  context.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** The stand-in for nixpkgs, with this machine's programs in it. */
export async function prepareStandIn(context: Lifetime): Promise<string> {
  const folder = await temporaryFolder(context, 'nixpkgs-stand-in');
  await run(prepare, [folder]);
  return folder;
}

/** Makes another nixpkgs of a stand-in: its stdenv, tools and Python differ, and all that is built with them. */
export async function moveNixpkgs(standIn: string): Promise<void> {
  await appendFile(join(standIn, 'generic-builder.sh'), '\n# of another nixpkgs\n');
  const file = join(standIn, 'stdenv.nix');
  const stdenv = await readFile(file, 'utf8');
  await writeFile(file, stdenv.replace('name = "tools"', 'name = "other-tools"'));
  await patchPython(standIn);
}

/** Makes a stand-in's Python another one of the same version: a patch release. */
export async function patchPython(standIn: string): Promise<void> {
  const machine = join(standIn, 'machine');
  const version = await readFile(join(machine, 'python-version'), 'utf8');
  await appendFile(
    join(machine, `python/lib/python${version}/this.py`),
    '\n# of a later release\n',
  );
}

/** Runs a program to its end and returns its standard output; a non-zero exit rejects. */
export async function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const env = { ...process.env, ...options.env };
  return (await execute(file, args, { maxBuffer: 1 << 28, ...options, env })).stdout;
}

/** Runs `nix` with flakes on. */
export function nix(args: readonly string[], cwd?: string): Promise<string> {
  const settings = ['--extra-experimental-features', 'nix-command flakes'];
  return run('nix', [...settings, ...args], cwd === undefined ? {} : { cwd });
}

/** A flake, and what takes the place of its input nixpkgs. */
export interface Project {
  folder: string;
  nixpkgs: string;
}

/** The flags with which a project is evaluated. */
export const withStandIn = ({ nixpkgs }: Project): string[] => [
  ...['--override-input', 'nixpkgs', `path:${nixpkgs}`],
];

/** Evaluates one attribute of a project with a Nix function applied to it. */
export async function evaluate<T>(project: Project, attribute: string, apply: string): Promise<T> {
  const installable = `path:${project.folder}#${attribute}`;
  const args = ['eval', '--json', installable, '--apply', apply, ...withStandIn(project)];
  return JSON.parse(await nix(args)) as T;
}

/** Builds attributes of a project in turn; their output paths. */
export async function build(project: Project, attributes: readonly string[]): Promise<string[]> {
  const outputs: string[] = [];
  for (const attribute of attributes) {
    const installable = `path:${project.folder}#${attribute}`;
    const args = ['build', '--json', '--no-link', installable, ...withStandIn(project)];
    const [built] = JSON.parse(await nix(args)) as { outputs: { out: string } }[];
    outputs.push(built?.outputs.out ?? '');
  }
  return outputs;
}

/** A store path's closure, itself included; for a derivation, all that it is built from. */
export async function closureOf(storePath: string): Promise<Set<string>> {
  const paths = await run('nix-store', ['--query', '--requisites', storePath]);
  return new Set(paths.split('\n').filter(line => line !== ''));
}

/** "/nix/store/HASH-name" without the folder and the hash. */
export const nameOf = (storePath: string) => storePath.replace(/^.*\/[a-z0-9]{32}-/, '');
