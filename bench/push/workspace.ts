import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const withNix = join(root, 'test/tools/with-nix');
const measurePy = fileURLToPath(new URL('measure.py', import.meta.url));

/** Everything that the benchmark writes is in here; the store stays for the next time. */
export const workspace = join(root, 'build/bench/push');

/** The store that holds all images, and the home that goes with it. */
export const fullMachine: Machine = {
  nix: join(workspace, 'nix'),
  home: join(workspace, 'home'),
};

/** A store and a home. */
export interface Machine {
  nix: string;
  home: string;
  /** What appears at /var/lib/containers, where skopeo keeps what it learnt of blobs. */
  containers?: string;
}

/** What a command took: it and all processes that it waited for. */
export interface Usage {
  seconds: number;
  cpuSeconds: number;
  /** Memory of the process that had most. */
  peakBytes: number;
}

/** Makes an empty machine, removed again when `work` has ended. */
export async function onFreshMachine<T>(work: (machine: Machine) => Promise<T>): Promise<T> {
  const folder = join(workspace, 'fresh');
  rmSync(folder, { recursive: true, force: true });
  try {
    return await work({ nix: join(folder, 'nix'), home: join(folder, 'home') });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A copy of dist/, so that a new build meanwhile does not change what is measured. */
export function copyProgram(): string {
  const source = join(root, 'dist');
  if (!existsSync(join(source, 'cli.js'))) throw new Error('There is no dist/: npm run build');
  const program = join(workspace, 'program');
  rmSync(program, { recursive: true, force: true });
  cpSync(source, program, { recursive: true });
  return join(program, 'cli.js');
}

/** The Nix of all machines: the distribution's where it is, else the release. */
const kind = existsSync('/usr/bin/nix') ? 'system' : 'release';

/**
 * Runs a command on a machine and returns its standard output. Builders are no part of what is
 * measured, and the generator is a program of this machine: no sandbox.
 */
export async function runOn(machine: Machine, words: readonly string[]): Promise<string> {
  const { nix, home, containers = join(workspace, 'containers') } = machine;
  for (const folder of [containers, '/var/lib/containers']) mkdirSync(folder, { recursive: true });
  return execute([
    ...[withNix, kind, '--nix', nix, '--home', home, '--'],
    ...['sh', '-c', 'mount --bind "$0" /var/lib/containers && exec "$@"', containers],
    ...['env', 'NIX_CONFIG=sandbox = false', `TMPDIR=${temporaryFolder()}`, ...words],
  ]);
}

/** Runs a command on a machine and says what it took. */
export async function measureOn(machine: Machine, words: readonly string[]): Promise<Usage> {
  const file = join(workspace, 'usage.json');
  await runOn(machine, ['python3', measurePy, file, ...words]);
  return JSON.parse(readFileSync(file, 'utf8')) as Usage;
}

/** Room for the files that programs spool. */
export function temporaryFolder(): string {
  const folder = join(workspace, 'tmp');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Runs a command to its end; a failure rejects with the end of what it said. */
export function execute([file = '', ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: workspace });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.on('data', chunk => {
      stderr = `${stderr}${chunk}`.slice(-4000);
    });
    child.once('error', reject);
    child.once('close', code => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${[file, ...args].join(' ')}: exit code ${code}\n${stderr}`));
    });
  });
}
