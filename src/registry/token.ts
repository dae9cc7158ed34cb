import * as v from 'valibot';
import { Failure } from '../host/failure.ts';
import { lenient, readJson } from '../host/foreign-json.ts';
import { urlWithoutLogin } from '../host/http/address.ts';
import { isLoopback } from '../host/http/loopback.ts';
import type { Answer, Exchange, HttpRequest } from '../host/http/message.ts';
import { isRedirect } from '../host/http/redirect.ts';
import { limits } from '../host/limits.ts';
import { permissionToWrite } from './advice.ts';
import type { Challenge } from './challenge.ts';
import type { RegistryLogin } from './credentials.ts';
import { adviceFor, errorsOf, unreachable } from './refusal.ts';

/** A bearer token and when to renew it, in ms since the epoch. */
export interface Token {
  value: string;
  renewAt: number;
}

/** What a token is asked for with. */
export interface TokenRequest {
  /** As people name it; for errors. */
  registry: string;
  /** Whether its token server may be one of plain HTTP, as this machine always may; absent: no other. */
  mayBePlain?: ((server: URL) => boolean) | undefined;
  challenge: Challenge;
  /** For example "repository:o/comfyui:pull,push". */
  scopes: readonly string[];
  login: RegistryLogin | undefined;
  /** ms since the epoch. */
  now: number;
  signal?: AbortSignal | undefined;
}

/** Seconds, where the token server does not say. */
const defaultLifetime = 60;

/**
 * Asks a registry's token server for a token: a GET with the password, if there is one, or OAuth2's
 * POST for an identity token (distribution's "token" and "oauth" specifications). A server that knows no
 * GET gets the password by POST.
 * Rejects with a Failure that names the scope when it is denied.
 */
export async function requestToken(request: TokenRequest, exchange: Exchange): Promise<Token> {
  const realm = realmOf(request);
  const ask = (asking: HttpRequest) =>
    exchange(asking).catch((error: unknown) => {
      throw unreachable(error, realm.host);
    });
  const first = await ask(tokenExchange(realm, request));
  const wantsForm = first.status === 405 && request.login?.kind === 'password';
  const answer = wantsForm ? await ask(formExchange(realm, request)) : first;
  if (isRedirect(answer.status)) throw ledAstray(realm);
  if (answer.status !== 200) throw denied(answer, realm, request);
  const { value, seconds } = decodeToken(answer, realm);
  // renewed early, so that a token does not expire on its way
  const margin = Math.min(10, seconds / 4);
  return { value, renewAt: request.now + (seconds - margin) * 1000 };
}

/** The token server, which a registry in HTTPS must not move to where a password can be read. */
function realmOf({ challenge, registry, mayBePlain }: TokenRequest): URL {
  const realm = challenge.parameters.realm ?? '';
  const url = URL.canParse(realm) ? urlWithoutLogin(new URL(realm)) : undefined;
  const isPlain = url?.protocol === 'http:' && (isLoopback(url.host) || mayBePlain?.(url));
  if (url && (url.protocol === 'https:' || isPlain)) return url;
  throw new Failure(`The registry ${registry} names a token server that cannot be trusted.`, {
    tried: 'reading the realm of its WWW-Authenticate header, which has to be an HTTPS address',
    next: 'Check the configuration of the registry.',
  });
}

function tokenExchange(realm: URL, request: TokenRequest): HttpRequest {
  const { challenge, scopes, login, signal } = request;
  const service = challenge.parameters.service;
  if (login?.kind === 'identity-token') return formExchange(realm, request);
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const authorization = basicHeader(login);
  return {
    method: 'GET',
    url,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
    signal,
  };
}

function formExchange(realm: URL, { challenge, scopes, login, signal }: TokenRequest): HttpRequest {
  const service = challenge.parameters.service;
  const form = new URLSearchParams({
    grant_type: login?.kind === 'password' ? 'password' : 'refresh_token',
    client_id: 'comfy-nix',
    ...(service === undefined ? {} : { service }),
    scope: scopes.join(' '),
    ...proofOf(login),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: realm, headers, body: Buffer.from(form.toString()), signal };
}

function proofOf(login: RegistryLogin | undefined): Record<string, string> {
  if (login === undefined) return {};
  if (login.kind === 'identity-token') return { refresh_token: login.token };
  return { username: login.username, password: login.password };
}

/** The header of Basic authentication; undefined without a user name and password. */
export function basicHeader(login: RegistryLogin | undefined): string | undefined {
  if (login?.kind !== 'password') return undefined;
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

/** What a header may hold: what else comes as a token cannot be sent on. */
const tokenText = v.pipe(v.string(), v.maxLength(limits.token), v.regex(/^[\x21-\x7e]+$/));

const answerSchema = v.object({
  token: lenient(tokenText),
  access_token: lenient(tokenText),
  /** Seconds for which it holds, as a number or as text. */
  expires_in: v.fallback(
    v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.gtValue(0)),
    defaultLifetime,
  ),
});

function decodeToken({ body }: Answer, realm: URL): { value: string; seconds: number } {
  const said = readJson(answerSchema, body.toString());
  const value = said?.token ?? said?.access_token;
  if (said && value) return { value, seconds: Math.min(said.expires_in, limits.tokenLifetime) };
  throw new Failure(`The token server ${realm.host} answered without a token.`, {
    next: 'Check that the image names the right registry.',
  });
}

function ledAstray({ host }: URL): Failure {
  return new Failure(`The token server ${host} redirects to where no login is sent.`, {
    tried: 'following redirects; a login does not go with them to another server',
    next: 'Check the configuration of the registry and of its token server.',
  });
}

function denied(answer: Answer, realm: URL, request: TokenRequest): Failure {
  const { registry, scopes, login } = request;
  const scope = scopes.map(each => `"${each}"`).join(' and ');
  const who = login ? 'the given login' : 'anonymous access';
  const isWriting = scopes.some(each => /:[^:]*\bpush\b/.test(each));
  const advice =
    answer.status === 403 && login && isWriting
      ? permissionToWrite(registry)
      : adviceFor(registry, answer.status, login !== undefined);
  const what =
    answer.status === 401 && login
      ? `The registry ${registry} did not accept the login`
      : `The registry ${registry} denied the scope ${scope}`;
  return new Failure(`${what} (${answer.status} from its token server ${realm.host}).`, {
    evidence: errorsOf(answer),
    tried: `asking for a token with ${who}, scope ${scope}`,
    next: advice,
  });
}
