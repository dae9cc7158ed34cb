import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, parse, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homeFolder } from '../host/user.ts';
import { openPrinter, processStreams } from './printer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The Node that GitHub runs actions with, and the first long-term one that began with zstd. */
const oldestMajor = 24;

/** Set for the process that was started anew, so that it never starts another one. */
const marker = 'COMFY_NIX_RESTARTED';

export function isNewEnough(version: string): boolean {
  return Number.parseInt(version, 10) >= oldestMajor;
}

/** Runs this program again on a newer Node; resolves with the exit code, 1 when there is none. */
export async function runOnNewerNode(): Promise<number> {
  const program = fileURLToPath(import.meta.url);
  const node =
    process.env[marker] === undefined ? findNode(candidates(process.env, program)) : undefined;
  if (node === undefined) {
    openPrinter(processStreams()).tell(
      `comfy-nix needs Node ${oldestMajor} or newer, this is ${process.versions.node}, and no ` +
        `newer one was found: install it, or run "npm install node@24" next to the program.\n`,
    );
    return 1;
  }
  const child = spawn(node, [process.argv[1] ?? program, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [marker]: '1' },
  });
  return exitCode(child);
}

/** The first of these programs that is a Node which is new enough. */
export function findNode(files: readonly string[]): string | undefined {
  return files.find(file => {
    const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    return typeof stdout === 'string' && isNewEnough(stdout.trim().replace(/^v/, ''));
  });
}

/** Existing files that may be a newer Node, best first. `*` stands for any one name in a path. */
export function candidates(env: Environment, program: string): string[] {
  const home = homeFolder(env) ?? '/';
  const path = (env.PATH ?? '').split(delimiter).filter(folder => folder !== '');
  return [
    ...ancestors(program).map(folder => join(folder, 'node_modules/.bin/node')),
    ...path.map(folder => join(folder, 'node24')),
    ...path.map(folder => join(folder, 'node')),
    // GitHub's runner: in a container job, the tool cache, and the runner's own
    '/__e/node24/bin/node',
    join(env.RUNNER_TOOL_CACHE ?? '/opt/hostedtoolcache', 'node/*/*/bin/node'),
    join(home, 'actions-runner/externals/node24/bin/node'),
    join(home, 'actions-runner/cached/externals/node24/bin/node'),
    join(home, 'runners/*/externals/node24/bin/node'),
    join(env.NVM_DIR ?? join(home, '.nvm'), 'versions/node/*/bin/node'),
    join(env.FNM_DIR ?? join(home, '.local/share/fnm'), 'node-versions/*/installation/bin/node'),
    join(env.VOLTA_HOME ?? join(home, '.volta'), 'tools/image/node/*/bin/node'),
    join(home, '.local/share/mise/installs/node/*/bin/node'),
    join(home, '.nix-profile/bin/node'),
    '/nix/var/nix/profiles/default/bin/node',
    '/run/current-system/sw/bin/node',
  ].flatMap(expand);
}

function ancestors(file: string): string[] {
  const folder = dirname(file);
  return folder === file ? [] : [folder, ...ancestors(folder)];
}

/** The existing paths that a pattern stands for, highest name first. */
function expand(pattern: string): string[] {
  const { root } = parse(pattern);
  const names = pattern.slice(root.length).split(sep);
  return names.reduce<string[]>(
    (folders, name) =>
      folders.flatMap(folder => {
        const entries = list(folder);
        const found = name === '*' ? entries : entries.filter(entry => entry === name);
        return found.sort(newestFirst).map(entry => join(folder, entry));
      }),
    [root],
  );
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The child's exit code; signals that only this process gets are passed on. */
function exitCode(child: ChildProcess): Promise<number> {
  // Ctrl-C reaches both processes; this one waits for the other to clean up
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
