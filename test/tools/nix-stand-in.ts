import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ProgressEvent } from '../../src/host/events.ts';
import type { Host } from '../../src/host/host.ts';
import type { Command, Finished } from '../../src/host/process.ts';
import { confStatements } from '../../src/nix/conf-statements.ts';

/** Settings as this Nix tells them, by their names. */
type Told = Readonly<Record<string, unknown>>;

/** How one evaluation goes on: what Nix has as settings then, and the process that does it. */
export type Evaluate = (settings: Told, command: Command) => Promise<Finished>;

/** Makes another answer of what a program said. */
export type Alter = (command: Command, said: Finished) => Finished;

export interface NixStandIn {
  host: Host;
  /** Of the test alone; the store is in it. */
  folder: string;
  emitted: ProgressEvent[];
  /** What its programs were asked for, in order: "--version", "show-config", "eval" … */
  asked: string[];
  /** Processes that have not ended. */
  running(): number;
  /** The settings of a Nix with these variables. */
  settings(env: Readonly<Record<string, string | undefined>>): Promise<Told>;
  /** What an evaluation prints that gives a derivation; it is in the store then. */
  described: string;
}

/** The settings that it knows, where nobody says anything. */
const defaults: Told = {
  substituters: [],
  'trusted-public-keys': [],
  'access-tokens': {},
  'experimental-features': [],
  'netrc-file': '',
  store: 'auto',
  builders: '',
  'max-jobs': 1,
  cores: 0,
  'connect-timeout': 0,
  'stalled-download-timeout': 300,
  'download-attempts': 5,
  fallback: false,
  'always-allow-substitutes': false,
};

/**
 * A Nix for tests in which no program runs: it finds its settings where Nix does and tells them, and
 * evaluates as the test says. `conf` is the machine's nix.conf.
 */
export async function standInNix(
  t: TestContext,
  conf: readonly string[],
  evaluate: Evaluate,
  { alter = (_, said) => said, ...more }: Partial<Host> & { alter?: Alter } = {},
): Promise<NixStandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'nix-stand-in-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const each of ['bin', 'etc', 'store']) await mkdir(join(folder, each));
  for (const name of ['nix', 'nix-store', 'git']) {
    await writeFile(join(folder, 'bin', name), '', { mode: 0o755 });
  }
  await writeFile(join(folder, 'etc/nix.conf'), `${conf.join('\n')}\n`);
  const env = {
    PATH: join(folder, 'bin'),
    HOME: folder,
    NIX_CONF_DIR: join(folder, 'etc'),
    NIX_STORE_DIR: join(folder, 'store'),
    NIX_REMOTE: 'local',
    ...more.env,
  };
  const settings = (variables: Readonly<Record<string, string | undefined>>) =>
    settingsIn({ ...env, ...variables });
  const asked: string[] = [];
  const emitted: ProgressEvent[] = [];
  let running = 0;
  const answer = async (command: Command) => alter(command, await usualAnswer(command));
  const usualAnswer = async (command: Command): Promise<Finished> => {
    const { args } = command;
    command.signal?.throwIfAborted();
    if (args.includes('eval')) return evaluate(await settings(command.env ?? {}), command);
    const stdout = args.includes('--version') ? 'nix (Nix) 2.34.8' : '';
    if (stdout !== '') return { code: 0, stdout, stderr: '' };
    const told = Object.entries(await settings(command.env ?? {})).map(
      ([name, value]) => [name, { value, defaultValue: defaults[name], aliases: [] }] as const,
    );
    return { code: 0, stdout: JSON.stringify(Object.fromEntries(told)), stderr: '' };
  };
  const run: Host['run'] = async command => {
    asked.push(questionIn(command.args));
    running += 1;
    return answer(command).finally(() => {
      running -= 1;
    });
  };
  const emit = (event: ProgressEvent) => emitted.push(event);
  const host: Host = { clock: () => 0, emit, run, ...more, env };
  const described = await describedIn(join(folder, 'store'));
  return { host, folder, emitted, asked, running: () => running, settings, described };
}

/** The words of a question, without options and paths. */
function questionIn(args: readonly string[]): string {
  const known = ['--version', 'show-config', 'config', 'show', 'eval'];
  return args.filter(word => known.includes(word)).join(' ');
}

async function settingsIn(env: Host['env']): Promise<Told> {
  const settings: Record<string, unknown> = structuredClone(defaults);
  for (const { name, value } of await confStatements(env)) {
    const own = name.replace(/^extra-/, '');
    if (own in settings) settings[own] = stated(settings[own], value, name !== own);
  }
  return settings;
}

/** What a line makes of a value that a setting has. */
function stated(before: unknown, text: string, adds: boolean): unknown {
  const words = text.split(' ').filter(word => word !== '');
  if (Array.isArray(before)) return [...(adds ? before : []), ...words];
  if (typeof before === 'number') return Number(text);
  if (typeof before === 'boolean') return text === 'true';
  if (typeof before === 'string') return text;
  return { ...(adds ? Object(before) : {}), ...Object.fromEntries(words.map(w => w.split('='))) };
}

/** A description as evaluation prints it, of a derivation that is written into the store. */
async function describedIn(store: string): Promise<string> {
  const drv = join(store, `${'0'.repeat(32)}-demo.drv`);
  const out = join(store, `${'1'.repeat(32)}-demo`);
  await writeFile(drv, `Derive([("out","${out}","","")],[],[],"x86_64-linux","/sh",[],[])`);
  const target = { $type: 'derivation', name: 'demo', system: null, drv, output: 'out', out };
  const image = { name: null, tag: null };
  return JSON.stringify({ target, image, recipe: null, folders: null, config: {}, context: {} });
}

/** A line of Nix's log: that it begins to fetch a file. */
export const fetchLine = (url: string): string =>
  `@nix ${JSON.stringify({ action: 'start', id: 7, level: 4, type: 101, text: '', fields: [url] })}`;

/** A line of Nix's log: that it has ended that. */
export const fetchedLine = `@nix ${JSON.stringify({ action: 'stop', id: 7 })}`;

/** Rejects when the process is told to end. */
export const untilEnded = ({ signal }: Command): Promise<never> =>
  new Promise((_, reject) => {
    const end = () => reject(signal?.reason);
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
  });
