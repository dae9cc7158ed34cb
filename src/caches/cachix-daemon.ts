import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Host } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { isThere } from '../host/presence.ts';
import type { Command, Finished } from '../host/process.ts';
import { eitherSignal } from '../host/signals.ts';
import { type Limit, naming, untilAborted, within } from '../host/wait.ts';
import type { Nix } from '../nix/types.ts';
import { readDaemonLog } from './cachix-log.ts';
import { findCachix } from './cachix-program.ts';
import type { Refusal } from './push-queue.ts';
import type { PushFailure } from './types.ts';

/** A cache on Cachix to push to; a token or a signing key is needed. */
export interface CachixPushOptions {
  name: string;
  token?: string | undefined;
  signingKey?: string | undefined;
}

/** A running `cachix daemon`, which uploads what it is given by itself. */
export interface CachixDaemon {
  /** Hands paths over. Undefined: the daemon has queued them. */
  push(paths: readonly string[]): Promise<Refusal | undefined>;
  /** Waits until the paths that were handed over are uploaded, ends the daemon; what failed. */
  finish(paths: readonly string[]): Promise<PushFailure[]>;
}

/** `cachix daemon` exits with it when some paths failed; 1 is any other failure, 2 a refusal. */
const somePathsFailed = 3;
const pathsPerProcess = 100;
const pollInterval = 50;

/**
 * Starts a daemon with a socket of its own. The secrets are in its environment and nowhere else.
 * Resolves with the reason when it cannot be started.
 */
export async function startCachixDaemon(
  nix: Nix,
  options: CachixPushOptions,
  host: Host,
  privateDirectory: string,
  silence: number,
): Promise<CachixDaemon | { reason: string }> {
  const directory = await mkdtemp(join(privateDirectory, 'cachix-')); // a socket's path is short
  const program = await findCachix(nix, host, directory);
  if ('reason' in program) return program;
  const socket = join(directory, 's');
  const env = { ...nix.env, CACHIX_DAEMON_SOCKET: socket }; // it wins over --socket
  const stopped = new AbortController();
  const signal = eitherSignal(host.signal, stopped.signal);
  const log: DaemonOutput = { heard: () => undefined };
  const ended = host
    .run({
      file: program.file,
      args: ['daemon', 'run', '--socket', socket, options.name],
      env: { ...env, ...secretsOf(options) },
      signal,
      limit: 'none', // it runs as long as this run does, which watches what it does
      onOutput: () => log.heard(),
    })
    .catch((error: unknown) => unfinished(error));
  const reason = await naming(`Cachix to take paths for ${options.name}`, host, () =>
    untilListening(socket, ended),
  );
  if (reason !== undefined) {
    stopped.abort();
    return { reason };
  }
  const tell: Tell = (limited, command, ...args) =>
    host.run({
      file: program.file,
      args: ['daemon', command, '--socket', socket, ...args],
      env,
      ...limited,
    });
  return clientOf(tell, { ended, log, kill: () => stopped.abort() }, host, {
    what: `Cachix to upload to ${options.name} what was built`,
    ms: silence,
    next: 'Paths that are missing there are pushed by the next run that builds them.',
  });
}

/** Who is told that the daemon has written something. */
interface DaemonOutput {
  heard: () => void;
}

/** The daemon's process. */
interface Running {
  ended: Promise<Finished>;
  log: DaemonOutput;
  kill: () => void;
}

/** Runs `cachix daemon COMMAND` against the daemon's socket. */
type Tell = (
  limited: Pick<Command, 'limit' | 'signal'>,
  command: 'push' | 'stop',
  ...args: string[]
) => Promise<Finished>;

function clientOf(tell: Tell, daemon: Running, host: Host, upload: Limit): CachixDaemon {
  const { ended, log, kill } = daemon;
  const take = { what: 'the daemon of Cachix to take paths', ms: patience.cachixTake };
  const drain = async (paths: readonly string[], signal: AbortSignal): Promise<PushFailure[]> => {
    const watched = { limit: 'none', signal } as const;
    const waits: Finished[] = [];
    for (let at = 0; at < paths.length; at += pathsPerProcess) {
      const some = paths.slice(at, at + pathsPerProcess);
      waits.push(await tell(watched, 'push', '--wait', ...some));
    }
    // it also drains the queue of a cachix without --wait (before 1.9), until it is empty or for
    // 60 s nothing has moved
    const stop = await tell(watched, 'stop');
    if (stop.code !== 0 && stop.code !== somePathsFailed) kill();
    return failuresAmong(paths, waits, stop, await untilAborted(ended, signal));
  };
  return {
    push: async paths => {
      const { code, stderr } = await tell({ limit: take, signal: host.signal }, 'push', ...paths);
      return code === 0 ? undefined : { reason: lastLine(stderr) };
    },
    finish: async paths => {
      try {
        return await within(upload, host, (signal, alive) => {
          log.heard = alive;
          return drain(paths, signal);
        });
      } catch (error) {
        kill();
        throw error;
      }
    },
  };
}

function secretsOf({ token, signingKey }: CachixPushOptions): Record<string, string> {
  return {
    ...(token === undefined ? {} : { CACHIX_AUTH_TOKEN: token }),
    ...(signingKey === undefined ? {} : { CACHIX_SIGNING_KEY: signingKey }),
  };
}

/** The reason when the daemon ends, or does not listen in time. */
async function untilListening(
  socket: string,
  ended: Promise<Finished>,
): Promise<string | undefined> {
  let end: Finished | undefined;
  void ended.then(finished => {
    end = finished;
  });
  for (let waited = 0; waited < patience.cachixStart; waited += pollInterval) {
    if (end) return `cachix daemon run ended: ${lastLine(end.stderr || end.stdout)}`;
    if (await isThere(socket)) return undefined;
    await wait(pollInterval);
  }
  return `cachix daemon run did not listen within ${patience.cachixStart / 1000} s`;
}

/**
 * Puts together what the programs say: the exit codes, whether something failed; the daemon's log,
 * which paths and why.
 */
export function failuresAmong(
  paths: readonly string[],
  waits: readonly Finished[],
  stop: Finished,
  daemon: Finished,
): PushFailure[] {
  if (waits.every(({ code }) => code === 0)) return [];
  const { present, failed } = readDaemonLog(daemon.stdout);
  if (failed.size > 0) return [...failed].map(([path, reason]) => ({ path, reason }));
  const codes = [...waits, stop, daemon].map(({ code }) => code);
  if (stop.code === 0 && !codes.includes(somePathsFailed)) return [];
  const reason = codes.includes(somePathsFailed)
    ? 'Cachix reports that some paths failed, and not which'
    : `cachix daemon broke off: ${lastLine(daemon.stderr || stop.stderr)}`;
  return paths.filter(path => !present.has(path)).map(path => ({ path, reason }));
}

function unfinished(error: unknown): Finished {
  return { code: null, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
}

const lastLine = (text: string): string =>
  text.trim().split('\n').at(-1)?.slice(0, 500) || 'it gave no reason';
