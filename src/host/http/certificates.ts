import { readdirSync, readFileSync } from 'node:fs';
import type https from 'node:https';
import { join } from 'node:path';
import tls from 'node:tls';
import { Failure } from '../failure.ts';
import type { Host } from '../host.ts';
import { homeFolder } from '../user.ts';

/** Whom connections trust beside Node's own authorities and those that the environment names. */
export interface Trust {
  /** Whether the certificate of a host ("registry:5000") is taken as it is. */
  unverified(host: string): boolean;
  /** The authorities that the machine trusts, in PEM. */
  ofMachine(): string[];
}

export const usualTrust: Trust = {
  unverified: () => false,
  ofMachine: () => tls.getCACertificates('system'),
};

/** How the servers of one kind are verified. */
interface Verification {
  /** The same for hosts whose connections may share their settings. */
  key: string;
  /** @throws Failure that names the file which is missing or cannot be read */
  options(): Pick<https.AgentOptions, 'secureContext' | 'rejectUnauthorized'>;
}

/** How servers are verified, host by host. */
export interface Verifying {
  of(host: string): Verification;
  /** Whether the machine's authorities are trusted by now. */
  isWide(): boolean;
  /** Trusts them from now on: reading them takes a tenth of a second, which most servers do not need. */
  widen(): void;
}

/**
 * Verifies servers by SSL_CERT_FILE, NIX_SSL_CERT_FILE and NODE_EXTRA_CA_CERTS of the environment, and
 * by what Docker, podman and containerd keep for single registries, a certificate of the client too.
 */
export function verifying(env: Host['env'], trust: Trust): Verifying {
  const known = new Map<string, OwnCertificates | undefined>();
  const ownOf = (host: string) => {
    if (!known.has(host)) known.set(host, ownCertificates(host, env));
    return known.get(host);
  };
  let wide = false;
  return {
    isWide: () => wide,
    widen: () => {
      wide = true;
    },
    of: host => {
      const own = ownOf(host);
      const unverified = trust.unverified(host);
      return {
        key: `${own || unverified ? host : ''}${wide ? ' wide' : ''}`,
        options: () => ({
          ...(unverified ? { rejectUnauthorized: false } : {}),
          ...contextOf([...certificateFiles(env)], own, wide ? trust.ofMachine() : []),
        }),
      };
    },
  };
}

/** One context for all connections: parsing a bundle takes tens of milliseconds. */
function contextOf(files: string[], own: OwnCertificates | undefined, ofMachine: string[]) {
  const ca = [...files.map(readCertificates), ...(own?.ca.map(readOwn) ?? []), ...ofMachine];
  if (ca.length === 0 && !own) return {};
  const cert = own?.pairs.map(pair => readOwn(pair.cert)) ?? [];
  const key = own?.pairs.map(pair => readOwn(pair.key)) ?? [];
  const all = [...new Set([...tls.getCACertificates(), ...ca])];
  return { secureContext: tls.createSecureContext({ ca: all, cert, key }) };
}

/** Each file once: an installation of Nix names the machine's own in both of its variables. */
function certificateFiles(env: Host['env']): Set<string> {
  const named = [env.SSL_CERT_FILE, env.NIX_SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS];
  return new Set(named.flatMap(file => file || []));
}

const readCertificates = (file: string) =>
  readPem(file, 'Correct SSL_CERT_FILE, NIX_SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.');

const readOwn = (file: string) =>
  readPem(file, 'Let this user read the folder of this registry, or remove the file.');

function readPem(file: string, next: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`The certificates in ${file} could not be read.`, { next, cause: error });
  }
}

/** Files that are kept for one registry: `ca.crt`, and pairs of `client.cert` and `client.key`. */
interface OwnCertificates {
  ca: string[];
  pairs: { cert: string; key: string }[];
}

/** Folders that have a folder for each registry, by its host and port; the user's own first. */
function registryFolders(env: Host['env']): string[] {
  const home = homeFolder(env) ?? '/';
  return [
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers/certs.d'),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'docker/certs.d'),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
    '/etc/containerd/certs.d',
  ];
}

/** What is kept for a host, in the first folder that has something for it. */
function ownCertificates(host: string, env: Host['env']): OwnCertificates | undefined {
  for (const folder of registryFolders(env)) {
    const names = namesIn(join(folder, host));
    const at = (name: string) => join(folder, host, name);
    const ca = names.filter(name => name.endsWith('.crt')).map(at);
    const pairs = names
      .filter(name => name.endsWith('.cert'))
      .map(name => ({ cert: at(name), key: at(name.replace(/cert$/, 'key')) }));
    if (ca.length > 0 || pairs.length > 0) return { ca, pairs };
  }
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // it is not there, or not for this user: what it holds is asked for where it is missed
    return [];
  }
}
