import { Failure } from '../host/failure.ts';
import type { HttpClient } from '../host/http/client.ts';
import { isLoopback } from '../host/http/loopback.ts';
import {
  type Answer,
  ConnectionLost,
  type HttpRequest,
  type HttpResponse,
  readBody,
  type Send,
  unread,
} from '../host/http/message.ts';
import type { ImageReference } from './reference.ts';

/** What is known of a registry before it is asked. */
export type OriginOptions = Pick<ImageReference, 'registry' | 'origin' | 'isPlain'> & {
  /** Registries, as hosts with their ports, that need no TLS, and no certificate that is trusted. */
  insecure: ReadonlySet<string>;
};

/** Where the API of a registry is, and whether it speaks TLS: its first answer tells. */
export interface Origin {
  /**
   * Sends a request that has no login and no stream: until the registry was found, to one place where it
   * may be after the other. Rejects with ConnectionLost or a Failure.
   */
  find(request: HttpRequest, send: Send): Promise<HttpResponse>;
  /** Asks the registry's root, `/v2/`, again after transient faults. Rejects with ConnectionLost or a Failure. */
  ping(signal: AbortSignal | undefined): Promise<Answer>;
  /** Whether an address is the registry's own. */
  owns(url: URL): boolean;
  /** The request as it is sent to where the registry was found. */
  directed<Request extends HttpRequest>(request: Request): Request;
  /** Whether it was found to speak plain HTTP. */
  isPlain(): boolean;
  /** Whether a login may be sent there: by TLS, to this machine, or where the user has said so. */
  takesLogins(): boolean;
  /** Whether its token server may be one of plain HTTP, where passwords go too. */
  mayBePlain(server: URL): boolean;
}

/** Finds out how a registry is spoken to, once. */
export function findOrigin(options: OriginOptions, http: Pick<HttpClient, 'through'>): Origin {
  const { registry, origin, insecure } = options;
  const origins = originsOf(options);
  let found = origins[0] ?? origin;
  let isFound = false;
  const directed = <Request extends HttpRequest>(request: Request): Request => {
    const { origin: asked, pathname, search } = request.url;
    const isMoved = asked !== found && origins.includes(asked);
    return isMoved ? { ...request, url: new URL(`${found}${pathname}${search}`) } : request;
  };
  const find = async (request: HttpRequest, send: Send) => {
    if (isFound || !origins.includes(request.url.origin)) return send(directed(request));
    const [answer, from] = await firstAnswer(origins, request, send).catch(error => {
      throw explained(error, registry);
    });
    found = from;
    isFound = true;
    return answer;
  };
  const asking = http.through(send => async request => find(request, send));
  const isPlain = () => found.startsWith('http:');
  return {
    ping: async signal =>
      asking.exchange({ method: 'GET', url: new URL('/v2/', origins[0]), signal }),
    find,
    owns: url => origins.includes(url.origin),
    directed,
    isPlain,
    takesLogins: () => !isPlain() || insecure.has(registry) || isLoopback(registry),
    mayBePlain: ({ host, hostname }) =>
      insecure.has(host) || (isPlain() && hostname === new URL(found).hostname),
  };
}

/**
 * Where a registry may be found, the likeliest first, as Docker's daemon has it: what needs no trust is
 * asked by TLS before it is by plain HTTP; on this machine plain HTTP is usual.
 */
function originsOf({ registry, origin, isPlain, insecure }: OriginOptions): string[] {
  const { host } = new URL(origin);
  const by = (scheme: string) => new URL(`${scheme}://${host}`).origin;
  if (isPlain) return [by('http')];
  if (isLoopback(registry)) return [by('http'), by('https')];
  return insecure.has(registry) ? [by('https'), by('http')] : [by('https')];
}

/** The first answer of one that speaks as it is spoken to; rejects for the likeliest origin that does. */
async function firstAnswer(
  origins: readonly string[],
  request: HttpRequest,
  send: Send,
): Promise<[HttpResponse, string]> {
  let reason: unknown;
  for (const origin of origins) {
    try {
      const { pathname, search } = request.url;
      const url = new URL(`${origin}${pathname}${search}`);
      const answer = await send({ ...request, url });
      if (url.protocol === 'https:' || answer.status !== 400) return [answer, origin];
      const refusal = await readBody(answer);
      if (!asksForTls(refusal)) return [unread(refusal), origin];
      reason = new WantsTls(origin);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      if (reason === undefined || speaksPlainly(reason) || reason instanceof WantsTls)
        reason = error;
    }
  }
  throw reason;
}

/** A server of TLS was spoken to without it. */
class WantsTls extends Error {}

/** Servers of TLS (Go's, nginx, Apache) say so to who speaks plain HTTP. */
const asksForTls = ({ body }: Answer) =>
  /HTTP request (was sent )?to (an )?HTTPS|plain HTTP to an SSL/i.test(`${body}`);

const speaksPlainly = (error: unknown) => faultIn(error) === 'no TLS';

const faultIn = (error: unknown) => (error instanceof ConnectionLost ? error.fault : undefined);

/** A Failure where trying again is of no use, and this program knows what is. */
function explained(error: unknown, registry: string): unknown {
  if (error instanceof WantsTls) {
    return new Failure(`The registry ${registry} speaks TLS, and was asked in plain HTTP.`, {
      next: `Write ${registry}/… without http://.`,
      cause: error,
    });
  }
  if (speaksPlainly(error)) {
    return new Failure(`The registry ${registry} speaks plain HTTP, and was asked by TLS.`, {
      next: `If that is meant, allow it: \`insecure-registries: ${registry}\`.`,
      cause: error,
    });
  }
  if (faultIn(error) === 'certificate wanted') {
    return new Failure(`The registry ${registry} wants a certificate of its client.`, {
      next: `Put client.cert and client.key into /etc/docker/certs.d/${registry}.`,
      cause: error,
    });
  }
  if (faultIn(error) !== 'certificate unknown') return error;
  return new Failure(
    `The certificate of the registry ${registry} is signed by nobody that this machine trusts.`,
    {
      tried: "the authorities of Node, of SSL_CERT_FILE, of the machine and of Docker's certs.d",
      next: `Name its authority in SSL_CERT_FILE or put it at /etc/docker/certs.d/${registry}/ca.crt.`,
      cause: error,
    },
  );
}
