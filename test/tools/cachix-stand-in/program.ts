/**
 * A stand-in for the `cachix` program (1.11), as far as pushing by its daemon goes. It takes the
 * arguments, environment and exit codes that the real one documents, speaks the daemon's protocol
 * (newline-delimited JSON over a Unix socket), and stores nothing: CACHIX_STAND_IN names a folder with
 * a plan (`plan.json`, see `install.ts`), and gets a line in `calls.jsonl` for each start and one in
 * `uploads.jsonl` for each upload.
 */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CachixPlan } from './install.ts';

const { env } = process;
const folder = env.CACHIX_STAND_IN ?? '';
const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as CachixPlan;

const say = (text: string) => process.stdout.write(`${text}\n`);
const log = (text: string, context = '') =>
  say(`[2026-01-01 00:00:00][Info]${context && `[${context}]`} ${text}`);

function end(code: number, text?: string): never {
  if (text !== undefined) process.stderr.write(`${text}\n`);
  process.exit(code);
}

interface Arguments {
  command: string;
  wait: boolean;
  remoteStop: boolean;
  socket: string;
  rest: string[];
}

/** Only what `cachix daemon --help` lists; anything else is exit code 1, as of the real parser. */
function readArguments([group, command = '', ...words]: readonly string[]): Arguments {
  if (group !== 'daemon' || !['run', 'push', 'stop'].includes(command)) end(1, 'Invalid argument');
  const parsed = { command, wait: false, remoteStop: true, socket: '', rest: [] as string[] };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--socket' || word === '-s') parsed.socket = words.shift() ?? end(1, 'SOCKET');
    else if (word === '--wait' && command === 'push' && plan.knowsWait) parsed.wait = true;
    else if (word === '--no-remote-stop') parsed.remoteStop = false;
    else if (word.startsWith('-')) end(1, `Invalid option \`${word}'`);
    else parsed.rest.push(word);
  }
  // the variable wins over the option
  parsed.socket = env.CACHIX_DAEMON_SOCKET ?? parsed.socket;
  if (parsed.socket === '') end(1, 'the stand-in has no default socket');
  return parsed;
}

const reasonFor = (path: string): string | undefined =>
  Object.entries(plan.failing).find(([part]) => path.includes(part))?.[1];

function runDaemon({ socket, rest, remoteStop }: Arguments): void {
  const name = rest.length === 1 ? (rest[0] ?? '') : end(1, 'Missing: CACHE-NAME');
  const secret = plan.caches[name] ?? end(1, `Binary cache ${name} doesn't exist or it's private.`);
  const given = [env.CACHIX_AUTH_TOKEN, env.CACHIX_SIGNING_KEY];
  if (!given.some(Boolean)) end(1, 'Neither auth token nor signing key are present.');
  if (!given.includes(secret)) end(1, `Binary cache ${name} doesn't exist or it's private.`);
  let failures = 0;
  const upload = (path: string) => {
    const error = reasonFor(path);
    if (error === undefined) {
      appendFileSync(join(folder, 'uploads.jsonl'), `${JSON.stringify({ name, path })}\n`);
      log(`Pushed ${path}`);
      return { tag: 'PushStorePathDone', contents: [path] };
    }
    failures += 1;
    log(`Failed to push ${path}`, `error:${error}`);
    return { tag: 'PushStorePathFailed', contents: [path, error] };
  };
  const server = createServer(client => {
    const send = (message: unknown) => client.write(`${JSON.stringify(message)}\n`);
    createInterface({ input: client }).on('line', line => {
      const { tag, contents } = JSON.parse(line);
      if (tag === 'ClientPushRequest') {
        if (plan.diesOnPush) end(1, 'cachix: out of memory');
        if (plan.neverEnds) return;
        const events = contents.storePaths.map(upload);
        if (!contents.subscribeToUpdates) return;
        for (const eventMessage of [...events, { tag: 'PushFinished' }]) {
          send({ tag: 'DaemonPushEvent', contents: { eventMessage } });
        }
      } else if (tag === 'ClientStop' && !remoteStop) {
        send({ tag: 'DaemonError', contents: { contents: 'Remote stop is disabled' } });
      } else if (tag === 'ClientStop' && !plan.neverEnds) {
        const exitCode = failures > 0 ? 3 : 0;
        send({ tag: 'DaemonExit', contents: { exitCode } });
        client.end(() => process.exit(exitCode));
      }
    });
    client.on('error', () => undefined);
  });
  if (existsSync(socket)) rmSync(socket);
  log('Starting Cachix Daemon');
  server.listen(socket);
  process.on('SIGTERM', () => process.exit(1));
}

function connected({ socket }: Arguments): Socket {
  const client = connect(socket);
  client.on('error', () => end(1, 'Failed to connect to Cachix Daemon'));
  return client;
}

/** Calls `heard` with each message; a socket that closes is exit code 1. */
function listen(client: Socket, heard: (tag: string, contents: Record<string, unknown>) => void) {
  const lines = createInterface({ input: client });
  lines.on('line', line => {
    const { tag, contents } = JSON.parse(line);
    heard(tag, contents);
  });
  lines.on('close', () => end(1, 'The socket has been closed'));
}

function push(given: Arguments): void {
  if (given.rest.length === 0) end(1, 'You need to specify store paths');
  const client = connected(given);
  const contents = { storePaths: given.rest, subscribeToUpdates: given.wait };
  client.write(`${JSON.stringify({ tag: 'ClientPushRequest', contents })}\n`, () => {
    if (!given.wait) client.end(() => process.exit(0));
  });
  if (!given.wait) return;
  let failed = false;
  listen(client, (_, { eventMessage }) => {
    const { tag } = eventMessage as { tag: string };
    if (tag === 'PushStorePathFailed') failed = true;
    if (tag === 'PushFinished') end(failed ? 3 : 0);
  });
}

function stop(given: Arguments): void {
  const client = connected(given);
  client.write(`${JSON.stringify({ tag: 'ClientStop' })}\n`);
  listen(client, (tag, contents) => {
    if (tag === 'DaemonExit') end(Number(contents.exitCode));
    if (tag === 'DaemonError') end(2, String(contents.contents));
  });
}

const words = process.argv.slice(2);
appendFileSync(join(folder, 'calls.jsonl'), `${JSON.stringify({ words, env })}\n`);
const given = readArguments(words);
if (given.command === 'run') runDaemon(given);
else if (given.command === 'push') push(given);
else stop(given);
