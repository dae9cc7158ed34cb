import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inputVariable } from '../../src/action/inputs.ts';
import { inputs } from '../../src/inputs/table.ts';

/** What one phase of an action (`main` or `post`) is run with. */
export interface PhaseOptions {
  /** Inputs as the workflow gives them; the rest have their defaults. */
  inputs?: Readonly<Record<string, string>>;
  /** What `${{ github.token }}` is. */
  token?: string;
  /** State that the phase before saved. */
  state?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  event?: { name: string; payload: unknown };
  /** Put before the program, such as `with-nix … --`. */
  wrapper?: readonly string[];
  /** The program gets a process group of its own, by which it can be killed with its children. */
  ownGroup?: boolean;
  /** Called with the process's id once it has written its first output. */
  onOutput?: (pid: number, text: string) => void;
}

/** What the runner knows of a phase when it is over. */
export interface PhaseResult {
  code: number | null;
  /** Standard output and standard error as the log shows them, secrets not masked. */
  log: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
  env: Record<string, string>;
  path: string[];
  summary: string;
}

/** A stand-in for GitHub's runner: its environment and its files, for phases of one job. */
export interface Runner {
  workspace: string;
  temp: string;
  home: string;
  /** Runs a phase of an action. */
  run(script: string, options?: PhaseOptions): Promise<PhaseResult>;
  /** Runs a command as a `run:` step does, which sees no inputs. */
  step(command: readonly string[], options?: PhaseOptions): Promise<PhaseResult>;
  /** Ends what phases have left running, as the runner does at the end of a job. */
  endOrphans(): Promise<void>;
  dispose(): Promise<void>;
}

/** Its files belong to `uid`, who may be another user than this one. */
export async function startRunner(uid = process.getuid?.() ?? 0): Promise<Runner> {
  const root = await mkdtemp(join(tmpdir(), 'runner-'));
  await chown(root, uid, uid);
  const workspace = join(root, 'work');
  const temp = join(root, 'temp');
  const home = join(root, 'home');
  for (const folder of [workspace, temp, join(root, 'tools'), home]) {
    await mkdir(folder);
    await chown(folder, uid, uid);
  }
  let phases = 0;
  const phase = async (command: readonly string[], more: Environment, options: PhaseOptions) => {
    const files = join(root, `phase${phases++}`);
    await mkdir(files);
    return runPhase(command, more, options, { root, workspace, temp, files, uid });
  };
  return {
    workspace,
    temp,
    home,
    run: (script, options = {}) =>
      phase([process.execPath, script], inputEnvironment(options), options),
    step: (command, options = {}) => phase(command, {}, options),
    endOrphans: () => endOrphans(root),
    dispose: async () => {
      await endOrphans(root);
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The folder in which a main phase keeps its files, as `post` finds it; it need not be there. */
export function runFolder(temp: string, { state }: Pick<PhaseResult, 'state'>): string {
  const parent = readdirSync(temp).find(name => /^comfy-nix-\d+$/.test(name)) ?? 'none';
  return join(temp, parent, state.run ?? 'none');
}

/** In the environment of all that a job starts; by it the runner finds what is left in the end. */
const tracking = (root: string) => ({ RUNNER_TRACKING_ID: `github_${basename(root)}` });

async function endOrphans(root: string): Promise<void> {
  const mark = `RUNNER_TRACKING_ID=${tracking(root).RUNNER_TRACKING_ID}\0`;
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number);
  for (const pid of pids) {
    const env = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (`${env}\0`.includes(mark)) process.kill(pid, 'SIGKILL');
  }
}

type Environment = Readonly<Record<string, string>>;

interface Places {
  root: string;
  workspace: string;
  temp: string;
  files: string;
  uid: number;
}

/** The files by which a phase talks to the runner; they exist and are empty when it starts. */
const commandFiles = ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY'] as const;

async function runPhase(
  command: readonly string[],
  more: Environment,
  options: PhaseOptions,
  places: Places,
): Promise<PhaseResult> {
  const file = (name: string) => join(places.files, name);
  for (const name of commandFiles) {
    await writeFile(file(name), '');
    await chown(file(name), places.uid, places.uid);
  }
  await writeFile(file('event.json'), JSON.stringify(options.event?.payload ?? {}));
  const [program = '', ...words] = [...(options.wrapper ?? []), ...command];
  const child = spawn(program, words, {
    cwd: places.workspace,
    env: { ...phaseEnvironment(options, places), ...more, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.ownGroup === true,
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      options.onOutput?.(child.pid ?? 0, text);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const read = (name: (typeof commandFiles)[number]) => readFile(file(name), 'utf8');
  return {
    code,
    log,
    outputs: keyValues(await read('OUTPUT')),
    state: keyValues(await read('STATE')),
    env: keyValues(await read('ENV')),
    path: (await read('PATH')).split('\n').filter(line => line !== ''),
    summary: await read('STEP_SUMMARY'),
  };
}

function phaseEnvironment(options: PhaseOptions, places: Places): Record<string, string> {
  const files = commandFiles.map(name => [`GITHUB_${name}`, join(places.files, name)]);
  const state = Object.entries(options.state ?? {}).map(([key, value]) => [`STATE_${key}`, value]);
  return {
    PATH: process.env.PATH ?? '',
    HOME: join(places.root, 'home'),
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: places.workspace,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'owner/comfy',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_EVENT_NAME: options.event?.name ?? 'push',
    GITHUB_EVENT_PATH: join(places.files, 'event.json'),
    RUNNER_TEMP: places.temp,
    RUNNER_TOOL_CACHE: join(places.root, 'tools'),
    ...tracking(places.root),
    RUNNER_OS: 'Linux',
    RUNNER_ARCH: process.arch === 'arm64' ? 'ARM64' : 'X64',
    ...Object.fromEntries([...files, ...state]),
  };
}

/** Every input is set: to what the workflow gives, its default, or the empty text; others as given. */
function inputEnvironment({ inputs: given = {}, token = '' }: PhaseOptions) {
  const set = inputs.map(({ name, workflowDefault, default: preset = '' }) => [
    inputVariable(name),
    given[name] ?? (workflowDefault === undefined ? preset : token),
  ]);
  const undeclared = Object.entries(given).map(([name, value]) => [inputVariable(name), value]);
  return Object.fromEntries([...undeclared, ...set]);
}

/** Reads `key<<delimiter`, the value's lines, `delimiter`. */
function keyValues(text: string): Record<string, string> {
  const entries = text.matchAll(/^([^\n]+)<<([^\n]+)\n(?:([\s\S]*?)\n)?\2\n/gm);
  return Object.fromEntries([...entries].map(([, key, , value]) => [key, value ?? '']));
}
