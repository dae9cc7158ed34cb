import { stripVTControlCharacters } from 'node:util';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { patience, retries } from '../host/limits.ts';
import { within } from '../host/wait.ts';
import { runNix } from '../nix/nix.ts';
import type { Nix } from '../nix/types.ts';
import { startPushQueue } from './push-queue.ts';
import type { PushTarget } from './types.ts';

/** A binary cache to push to. */
export interface BinaryCacheOptions {
  /** Anything that `nix copy --to` takes: `s3://`, `file://`, `http(s)://` with PUT, `ssh-ng://`. */
  url: string;
  /** A file of mode 0600 with a secret key as `nix key generate-secret` makes it. */
  signingKeyFile?: string | undefined;
}

/** Stores of narinfo and nar files, which the client compresses and signs for. */
const fileStores = new Set(['s3:', 'file:', 'http:', 'https:']);

const batchSize = 50;

/** How patient a push is, in milliseconds. */
interface PushPatience {
  /** Before each further attempt. */
  pauses: readonly number[];
  /** For which `nix copy` may say nothing. */
  silence: number;
}

const usualPatience: PushPatience = { pauses: retries.nixCopy, silence: patience.nixCopy };

/**
 * Pushes to a binary cache by `nix copy`, one process at a time, which skips what the cache has; so a
 * run that was interrupted is simply repeated. With a path goes all that it refers to, since a binary
 * cache takes no path without its references.
 *
 * Throws a {@link Failure} for an address that it cannot be given.
 */
export function startBinaryCachePush(
  nix: Nix,
  options: BinaryCacheOptions,
  host: Host,
  more: Partial<PushPatience> = {},
): PushTarget {
  const { pauses, silence } = { ...usualPatience, ...more };
  const destination = copyDestination(options);
  const name = options.url.replace(/\?.*/, '');
  const limit = { what: `nix copy to ${name}`, ms: silence, next: 'Check that it takes uploads.' };
  const send = async (paths: readonly string[]) => {
    const args = [
      ...['copy', '--to', destination, '--verbose'],
      // a cache that was emptied since would be believed to have what it had, for 30 days
      ...['--option', 'narinfo-cache-positive-ttl', '0'],
      // what was built here bears no signature, and a store behind SSH decides by itself whom it trusts
      '--no-check-sigs',
      ...paths,
    ];
    // it says each path that it begins with
    const { code, stderr } = await within(limit, host, (signal, onOutput) =>
      runNix(nix, 'nix', args, { limit: 'none', signal, onOutput }),
    );
    return code === 0 ? undefined : { reason: reasonIn(stderr) };
  };
  return startPushQueue({ name, send, batchSize, retryPauses: pauses }, host);
}

/**
 * The store's address with compression and signing key, as far as its kind knows them and the user has
 * not set them. It has the key's path in it and never the key (`secret-key`, Nix manual, "HTTP
 * Binary Cache Store"). Throws a {@link Failure} for an address with a login, which every
 * process on the machine could read.
 */
export function copyDestination({ url, signingKeyFile }: BinaryCacheOptions): string {
  if (!URL.canParse(url)) throw unusable(url, 'it is no address', 'write it as s3://bucket');
  const parsed = new URL(url);
  const isFileStore = fileStores.has(parsed.protocol);
  // a user is part of an address of SSH; elsewhere it may well be a token
  if (parsed.password !== '' || (isFileStore && parsed.username !== '')) {
    const shown = url.replace(/\/\/[^/]*@/, '//');
    const next = `put the login into a netrc file for ${parsed.hostname}`;
    throw unusable(shown, 'it has a login in it', next);
  }
  if (!isFileStore) return url;
  const added = [
    ['compression', 'zstd'],
    ['secret-key', signingKeyFile],
  ].filter(([name, value]) => value !== undefined && !parsed.searchParams.has(name ?? ''));
  const text = added.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&');
  if (text === '') return url;
  return `${url}${url.includes('?') ? '&' : '?'}${text}`;
}

function unusable(url: string, why: string, next: string): Failure {
  return new Failure(`The binary cache ${url} cannot be pushed to: ${why}.`, {
    next: `In \`binary-caches\`, ${next}.`,
    exitCode: 2,
  });
}

/** What Nix gives as the reason, on one line. */
function reasonIn(stderr: string): string {
  const text = stripVTControlCharacters(stderr);
  const at = text.lastIndexOf('error:');
  const said = at >= 0 ? text.slice(at + 'error:'.length) : (text.trim().split('\n').at(-1) ?? '');
  return said.replace(/\s+/g, ' ').trim().slice(0, 500) || 'nix copy failed without a message';
}
