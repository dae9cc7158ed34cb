import type { Host } from '../host/host.ts';
import { urlWithoutLogin } from '../host/http/address.ts';
import type { HttpClient } from '../host/http/client.ts';
import { limits, patience } from '../host/limits.ts';
import { eitherSignal } from '../host/signals.ts';
import { basicAuthorization, loginFor } from './logins.ts';
import { type Answers, answerKey, rememberAnswers, rememberedAnswers } from './probe-memory.ts';
import type { CacheFault } from './types.ts';

/** What is wrong with substituters, by their addresses as they were given. */
export type Unusable = ReadonlyMap<string, CacheFault>;

/** A substituter to ask. */
interface Question {
  /** Its address; parameters and user are no part of it. */
  url: URL;
  authorization: string | undefined;
  /** Under which its answer is remembered. */
  key: string;
}

/**
 * Asks each substituter for /nix-cache-info and for a narinfo that no cache has, all at once, for 5 s at
 * most. Addresses that are not HTTP's cannot be asked and count as usable. In a workflow the answers
 * hold for the whole job.
 *
 * @param netrc text of a netrc file, with the logins that private caches want
 */
export async function probeSubstituters(
  urls: readonly string[],
  netrc: string,
  host: Host,
): Promise<Unusable> {
  const questions = new Map(
    urls.flatMap(url => {
      const question = questionFor(url, netrc);
      return question ? [[url, question] as const] : [];
    }),
  );
  const known = await rememberedAnswers(host.env);
  const open = new Map(
    [...questions.values()].filter(({ key }) => !known.has(key)).map(each => [each.key, each]),
  );
  const fresh = open.size === 0 ? new Map() : await askAll([...open.values()], host);
  const all: Answers = new Map([...known, ...fresh]);
  return new Map(
    [...questions].flatMap(([url, { key }]) => {
      const fault = all.get(key);
      return fault ? [[url, fault] as const] : [];
    }),
  );
}

/** A substituter's parameters (`?priority=10`) and login are not part of the address. */
function questionFor(address: string, netrc: string): Question | undefined {
  if (!/^https?:/i.test(address) || !URL.canParse(address)) return undefined;
  const named = new URL(address);
  const login = loginFor(named, netrc);
  const authorization = login && basicAuthorization(login);
  const url = urlWithoutLogin(named);
  url.search = '';
  url.hash = '';
  return { url, authorization, key: answerKey(url, authorization) };
}

/** The library for HTTP takes a good part of a set-up that finds all in place; here it is needed. */
async function askAll(questions: readonly Question[], host: Host): Promise<Answers> {
  const { withHttp } = await import('../host/http/client.ts');
  const limit = AbortSignal.timeout(patience.substituters);
  const signal = eitherSignal(limit, host.signal);
  const answers = await withHttp(host, http =>
    Promise.all(questions.map(async each => [each.key, await ask(each, http, signal)] as const)),
  );
  host.signal?.throwIfAborted();
  const fresh: Answers = new Map(answers);
  await rememberAnswers(fresh, host.env);
  return fresh;
}

/** The hash of no store path. */
const nobodysHash = '0'.repeat(32);

/** What is wrong with a substituter; undefined: nothing. */
async function ask(
  { url, authorization }: Question,
  http: HttpClient,
  signal: AbortSignal,
): Promise<CacheFault | undefined> {
  const get = (name: string) =>
    http.exchange({
      method: 'GET',
      url: new URL(`${url.pathname.replace(/\/+$/, '')}/${name}`, url),
      headers: authorization === undefined ? {} : { authorization },
      answerLimit: limits.cacheAnswer,
      retry: false,
      signal,
    });
  let asked = '';
  try {
    const { status, body } = await get('nix-cache-info');
    if (status !== 200) {
      return { ...unusable(`it answers ${status}`, status === 429), wantsLogin: isRefusal(status) };
    }
    if (!body.includes('StoreDir:')) {
      return unusable('its /nix-cache-info is not that of a binary cache');
    }
    // some answer that and nothing else; the connection is open by now
    asked = ' to the question for a path';
    const narinfo = await get(`${nobodysHash}.narinfo`);
    return isNarinfoAnswer(narinfo.status)
      ? undefined
      : unusable(`it answers ${narinfo.status}${asked}`, narinfo.status === 429);
  } catch (error) {
    if (signal.aborted) {
      return unusable(`no answer${asked} in ${patience.substituters / 1000} s`, true);
    }
    return unusable(reasonOf(error));
  }
}

const unusable = (reason: string, stalls = false): CacheFault => ({
  reason,
  wantsLogin: false,
  stalls,
});

const isRefusal = (status: number) => status === 401 || status === 403;

/** A path that is not there is 404, and 403 in S3 where files may not be listed; Nix takes both so. */
const isNarinfoAnswer = (status: number) =>
  status < 400 || isRefusal(status) || [404, 410].includes(status);

/** The same words for all caches where there is no network, since Node's own name the host. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const isUnresolved = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return isUnresolved ? 'the name cannot be resolved' : error.message;
}
