import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../host/host.ts';
import { type Connection, openConnection } from '../registry/connection.ts';
import { readBody } from '../registry/http.ts';

/** Why a substituter cannot be used, by its address as it was given. */
export type Unusable = ReadonlyMap<string, string>;

/** For all substituters together, in ms: they are asked at the same time. */
const patience = 5_000;

/** Bytes; a binary cache's /nix-cache-info has three short lines. */
const longestInfo = 64 * 1024;

/**
 * Asks each substituter for /nix-cache-info, all at once, for 5 s at most. Addresses that are not
 * HTTP's cannot be asked and count as usable. In a workflow the answers hold for the whole job.
 *
 * @param netrc lines of a netrc file with the logins that private caches want
 */
export async function probeSubstituters(
  urls: readonly string[],
  netrc: readonly string[],
  host: Host,
): Promise<Unusable> {
  const known = await remembered(host.env);
  const asked = [...new Set(urls)].filter(url => /^https?:/.test(url) && !(url in known));
  const limit = AbortSignal.timeout(patience);
  const signal = host.signal ? AbortSignal.any([limit, host.signal]) : limit;
  const connection = openConnection(host.env);
  try {
    const answers = await Promise.all(
      asked.map(async url => [url, await ask(url, connection, signal, netrc)] as const),
    );
    host.signal?.throwIfAborted();
    const all = { ...known, ...Object.fromEntries(answers) };
    if (asked.length > 0) await remember(all, host.env);
    const reasons = urls.flatMap(url => (all[url] ? [[url, all[url]] as const] : []));
    return new Map(reasons);
  } finally {
    connection.close();
  }
}

/** What is wrong with a substituter; the empty text: nothing. */
async function ask(
  url: string,
  { send }: Connection,
  signal: AbortSignal,
  netrc: readonly string[],
): Promise<string> {
  try {
    const at = infoAddress(url);
    const headers = authorization(at.hostname, netrc);
    const { status, body } = await readBody(
      await send({ method: 'GET', url: at, headers, signal }),
      longestInfo,
    );
    if (status !== 200) return `it answers ${status}`;
    return body.includes('StoreDir:') ? '' : 'its /nix-cache-info is not that of a binary cache';
  } catch (error) {
    if (signal.aborted) return `no answer in ${patience / 1000} s`;
    return error instanceof Error ? error.message : String(error);
  }
}

/** A substituter's parameters (`?priority=10`) and login are not part of the address. */
function infoAddress(url: string): URL {
  const at = new URL(url);
  at.search = '';
  at.username = '';
  at.password = '';
  at.pathname = `${at.pathname.replace(/\/$/, '')}/nix-cache-info`;
  return at;
}

/** Basic authentication from "machine HOST login NAME password SECRET". */
function authorization(hostname: string, netrc: readonly string[]): Record<string, string> {
  const line = netrc.find(each => each.startsWith(`machine ${hostname} `));
  const [, password] = / password (\S+)/.exec(line ?? '') ?? [];
  if (password === undefined) return {};
  const [, login = ''] = / login (\S+)/.exec(line ?? '') ?? [];
  return { authorization: `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}` };
}

type Answers = Record<string, string>;

/** A file of the job, so that its later steps need not ask again. */
const memoryFile = ({ GITHUB_ACTIONS: workflow, RUNNER_TEMP: folder }: Host['env']) =>
  workflow === 'true' && folder ? join(folder, 'comfy-nix-substituters.json') : undefined;

async function remembered(env: Host['env']): Promise<Answers> {
  const file = memoryFile(env);
  if (file === undefined) return {};
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    return JSON.parse(text) as Answers;
  } catch {
    return {}; // another step was writing it: ask again
  }
}

async function remember(answers: Answers, env: Host['env']): Promise<void> {
  const file = memoryFile(env);
  if (file !== undefined) await writeFile(file, JSON.stringify(answers)).catch(() => undefined);
}
