import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { workspace } from './workspace.ts';

/** docker-registry on a loopback port of its own. */
export interface Registry {
  /** "127.0.0.1:PORT". */
  address: string;
  /** Requests answered so far, by its access log. */
  requests(): number;
  /** CPU time that it has used so far. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** Starts a registry with an empty storage. */
export async function startRegistry(): Promise<Registry> {
  const folder = join(workspace, 'registry');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(configuration(folder)));
  const logFile = join(folder, 'access.log');
  const messageFile = join(folder, 'messages.log');
  const [log, messages] = [openSync(logFile, 'a'), openSync(messageFile, 'a')];
  const child = spawn('docker-registry', ['serve', config], {
    stdio: ['ignore', log, messages],
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  });
  closeSync(log);
  closeSync(messages);
  const ended = once(child, 'exit');
  process.once('exit', () => child.kill('SIGKILL'));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    address: await listeningAddress(messageFile, () => child.exitCode === null),
    requests: () => readFileSync(logFile, 'utf8').split(' HTTP/1.1" ').length - 1,
    cpuSeconds: () => processSeconds(child.pid),
    stop,
  };
}

/** distribution reads YAML, of which JSON is a part. Its access log goes to standard output. */
function configuration(folder: string) {
  return {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: '127.0.0.1:0', secret: 'of this benchmark' },
  };
}

async function listeningAddress(logFile: string, alive: () => boolean): Promise<string> {
  for (;;) {
    const log = readFileSync(logFile, 'utf8');
    const [, address] = /listening on (127\.0\.0\.1:\d+)/.exec(log) ?? [];
    if (address !== undefined) return address;
    if (!alive()) throw new Error(`docker-registry ended:\n${log}`);
    await wait(20);
  }
}

/** User and system time from /proc/PID/stat (proc(5)), whose clock ticks a hundred times a second. */
function processSeconds(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name in parentheses may hold spaces; utime and stime are fields 14 and 15
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
