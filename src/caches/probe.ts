import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../host/host.ts';
import { urlWithoutLogin } from '../host/http/address.ts';
import type { HttpClient } from '../host/http/client.ts';

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
  const fresh = asked.length === 0 ? {} : await askAll(asked, netrc, host);
  const all: Answers = { ...known, ...fresh };
  const reasons = urls.flatMap(url => (all[url] ? [[url, all[url]] as const] : []));
  return new Map(reasons);
}

/** The library for HTTP takes a good part of a set-up that finds all in place; here it is needed. */
async function askAll(
  urls: readonly string[],
  netrc: readonly string[],
  host: Host,
): Promise<Answers> {
  const { openHttp } = await import('../host/http/client.ts');
  const limit = AbortSignal.timeout(patience);
  const signal = host.signal ? AbortSignal.any([limit, host.signal]) : limit;
  const http = openHttp(host);
  try {
    const answers = await Promise.all(
      urls.map(async url => [url, await ask(url, http, signal, netrc)] as const),
    );
    host.signal?.throwIfAborted();
    const fresh = Object.fromEntries(answers);
    // another probe of this step may have written meanwhile
    await remember({ ...(await remembered(host.env)), ...fresh }, host.env);
    return fresh;
  } finally {
    http.close();
  }
}

/** What is wrong with a substituter; the empty text: nothing. */
async function ask(
  url: string,
  http: HttpClient,
  signal: AbortSignal,
  netrc: readonly string[],
): Promise<string> {
  try {
    const at = infoAddress(url);
    const headers = authorization(at.hostname, netrc);
    const { status, body } = await http.exchange({
      method: 'GET',
      url: at,
      headers,
      answerLimit: longestInfo,
      retry: false,
      signal,
    });
    if (status !== 200) return `it answers ${status}`;
    return body.includes('StoreDir:') ? '' : 'its /nix-cache-info is not that of a binary cache';
  } catch (error) {
    if (signal.aborted) return `no answer in ${patience / 1000} s`;
    return reasonOf(error);
  }
}

/** The same words for all caches where there is no network, since Node's own name the host. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const isUnresolved = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return isUnresolved ? 'the name cannot be resolved' : error.message;
}

/** A substituter's parameters (`?priority=10`) and login are not part of the address. */
function infoAddress(url: string): URL {
  const at = urlWithoutLogin(new URL(url));
  at.search = '';
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
