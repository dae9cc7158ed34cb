import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BuildRecord, LayerRecord } from '../../../src/record/types.ts';
import type { Example } from './hermetic-example.ts';

const withNix = fileURLToPath(new URL('../../tools/with-nix', import.meta.url));
export const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

/** The Nix that these tests run under, as `with-nix` names it; `npm test` says it. */
export const kind = process.env.NIX_KIND || (/ 2\.8\./.test(nixVersion()) ? 'system' : 'release');

function nixVersion(): string {
  return execFileSync('nix', ['--version']).toString();
}

/** How a run of the program ended. */
export interface Run {
  code: number | null;
  stdout: Buffer;
  stderr: string;
  /** The record that the run wrote; undefined when it wrote none. */
  record: BuildRecord | undefined;
}

export interface RunOptions {
  /** Put before the command, such as ["taskset", "-c", "0"]. */
  wrapper?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Where the command writes a record, if not where `build` is told to. */
  recordFile?: string;
  /** Called once with the process's id when its standard error matches. */
  onOutput?: { pattern: RegExp; act: (pid: number) => void };
}

/** A machine with a store and a home of its own; the same files, kernel and loopback as this one. */
export interface Machine {
  /** Its /nix. */
  nix: string;
  home: string;
  /** Runs `comfy-nix build` on the example with these arguments more. */
  build(example: Example, args: readonly string[], options?: RunOptions): Promise<Run>;
  /** Runs any command there. */
  command(words: readonly string[], options?: RunOptions): Promise<Run>;
}

/** A machine with an empty store and an empty home, for one test. */
export async function freshMachine(context: TestContext): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'machine-'));
  context.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const nix = join(folder, 'nix');
  const home = join(folder, 'home');
  await mkdir(home);
  const recordFile = join(folder, 'record.json');
  const command = async (words: readonly string[], options: RunOptions = {}) => {
    await rm(recordFile, { force: true });
    const { code, stdout, stderr } = await execute(
      [withNix, kind, '--nix', nix, '--home', home, '--', ...(options.wrapper ?? []), ...words],
      folder,
      options,
    );
    return { code, stdout, stderr, record: await readRecord(options.recordFile ?? recordFile) };
  };
  return {
    nix,
    home,
    command,
    build: (example, args, options) =>
      command(
        [process.execPath, program, ...buildArguments(example, recordFile), ...args],
        options,
      ),
  };
}

/** The arguments with which the program builds the example. */
function buildArguments({ folder, busybox }: Example, recordFile: string): string[] {
  return [
    'build',
    `path:${folder}#comfyui`,
    '--override-inputs',
    `busybox=path:${busybox}`,
    '--record',
    recordFile,
    '--no-cuda-caches', // no test depends on public servers
  ];
}

async function readRecord(file: string): Promise<BuildRecord | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as BuildRecord);
}

function execute(
  [file = '', ...args]: readonly string[],
  cwd: string,
  { env, onOutput }: RunOptions,
): Promise<Omit<Run, 'record'>> {
  const { PATH, TMPDIR, NIX_RELEASE_DIR } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { PATH, TMPDIR, NIX_RELEASE_DIR, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    let stderr = '';
    let waiting = onOutput;
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (waiting?.pattern.test(stderr) && child.pid !== undefined) {
        waiting.act(child.pid);
        waiting = undefined;
      }
    });
    child.once('error', reject);
    child.once('close', code => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
}

/** Each layer's value, by its name. */
export function byLayer<T>({ record }: Run, value: (layer: LayerRecord) => T): Record<string, T> {
  return Object.fromEntries((record?.layers ?? []).map(layer => [layer.name, value(layer)]));
}
