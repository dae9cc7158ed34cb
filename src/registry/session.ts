import { type Answer, header, headerNumber, wholeNumber } from '../host/http/message.ts';
import { resolveLocation } from '../host/http/redirect.ts';
import { limits, patience } from '../host/limits.ts';
import type { RegistryClient } from './client.ts';
import { isEcr } from './refusal.ts';

/** Chunks where a registry wants them: Amazon's takes parts of 5 to 10 MiB, at most 4,200. */
export const usualChunk = 10 * 2 ** 20;

/** An upload that the registry has opened (distribution-spec, "Pushing blobs"). */
export interface Session {
  /** Where the next request goes. */
  location: URL;
  /** Bytes that the registry is known to hold. */
  acknowledged: number;
  /** Set where the bytes go in requests of this size; else they go in one stream. */
  chunkSize?: number;
}

/** Opens a session. */
export async function startSession(
  client: RegistryClient,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const url = client.uploadsUrl();
  const answer = await client.exchange({ method: 'POST', url, signal });
  const session = answer.status === 202 ? nextSession(answer, 0) : undefined;
  if (!session) throw client.refused(answer, 'start an upload to');
  // where larger ones are asked for than can be held, all of it in one is large enough
  const wanted = headerNumber(answer, 'oci-chunk-min-length', limits.chunk) ?? 0;
  if (wanted > 0) return { ...session, chunkSize: Math.max(wanted, usualChunk) };
  return isEcr(client.reference.registry) ? { ...session, chunkSize: usualChunk } : session;
}

/** The session as an answer describes it; its Location changes from request to request. */
export function nextSession(answer: Answer, acknowledged: number): Session | undefined {
  const stated = header(answer, 'location');
  const location = stated === undefined ? undefined : resolveLocation(stated, answer.url);
  return location && { location, acknowledged };
}

/** Bytes held, from an upload's Range ("0-1023", with or without "bytes="); undefined: unknown. */
export function heldBytes(range: string | undefined): number | undefined {
  const [, stated] = /^(?:bytes[= ])?0-(\d+)$/.exec(range?.trim() ?? '') ?? [];
  const last = wholeNumber(stated, limits.file) ?? 0;
  return last > 0 ? last + 1 : undefined;
}

/** Ends a session that is given up; that this may fail too does not matter. */
export async function cancel(client: RegistryClient, session: Session | undefined): Promise<void> {
  if (!session) return;
  const signal = AbortSignal.timeout(patience.uploadCancel);
  await client
    .exchange({ method: 'DELETE', url: session.location, retry: false, signal })
    .catch(() => undefined);
}

/**
 * The upload's address with the digest added; the rest of its query stays as it is, to the byte.
 */
export function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search}${url.search ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
  return url;
}
