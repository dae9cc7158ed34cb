import type { Host } from '../host/host.ts';
import { type HttpClient, openHttp } from '../host/http/client.ts';
import type { Patience } from '../host/http/connection.ts';
import { isLoopback } from '../host/http/loopback.ts';
import type { RetryPolicy } from '../host/http/retry.ts';
import type { SharedChallenge } from './introduction.ts';
import { findOrigin, type Origin } from './origin.ts';
import type { ImageReference } from './reference.ts';
import type { Habits } from './way.ts';

/** What a run has found out of one registry, whichever of its repositories it was found out with. */
interface RegistryHost {
  /** Its connections, which all repositories share. */
  http: HttpClient;
  place: Origin;
  shared: SharedChallenge;
  /** How it takes bytes. */
  habits: Habits;
}

/** The registries of a run. */
export interface RegistryHosts {
  /** The registry of a reference, for one client more. */
  enter(reference: ImageReference, options: HostOptions): RegistryHost;
  /** The client needs it no more: connections are closed when none does. */
  leave(reference: ImageReference): void;
}

/** How a registry is talked to; the last two are for tests. */
interface HostOptions {
  host: Host;
  /** Registries ("registry:5000") that need no TLS, and no certificate that is trusted. */
  insecureRegistries?: readonly string[] | undefined;
  retries?: Partial<RetryPolicy>;
  patience?: Patience;
}

/**
 * Nothing is known of any registry yet.
 * @param ahead connections that are opened along with the first one, as requests will go side by side
 */
export function registryHosts(ahead?: number): RegistryHosts {
  const hosts = new Map<string, { known: RegistryHost; clients: number }>();
  return {
    enter: (reference, options) => {
      const { origin } = reference;
      const entry = hosts.get(origin) ?? {
        known: openHost(reference, { ...options, ahead }),
        clients: 0,
      };
      hosts.set(origin, entry);
      entry.clients += 1;
      return entry.known;
    },
    leave: ({ origin }) => {
      const entry = hosts.get(origin);
      if (entry === undefined) return;
      entry.clients -= 1;
      if (entry.clients === 0) entry.known.http.close();
    },
  };
}

function openHost(
  reference: ImageReference,
  options: HostOptions & { ahead: number | undefined },
): RegistryHost {
  const { host, patience, retries, ahead } = options;
  const insecure = namesOf(options.insecureRegistries ?? []);
  const trust = { unverified: (name: string) => insecure.has(name) || isLoopback(name) };
  // each request has the signal of who makes it
  const unended = { ...host, signal: undefined };
  const http = openHttp(unended, { patience, retries, trust, silent: true, ahead });
  return {
    http,
    place: findOrigin({ ...reference, insecure }, http),
    shared: {},
    habits: { way: { kind: 'stream' }, taken: 0 },
  };
}

/** Hosts as they are written, and as addresses have them: without the port that is HTTPS's own. */
const namesOf = (registries: readonly string[]): ReadonlySet<string> =>
  new Set(registries.flatMap(each => [each, new URL(`https://${each}`).host]));
