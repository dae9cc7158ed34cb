import { type Answer, header, headerNumber, wholeNumber } from '../host/http/message.ts';
import { resolveLocation } from '../host/http/redirect.ts';
import { limits, patience } from '../host/limits.ts';
import type { RegistryClient } from './client.ts';
import { isEcr } from './refusal.ts';

/** An upload that the registry has opened (distribution-spec, "Pushing blobs"). */
export interface Session {
  /** Where the next request goes. */
  location: URL;
  /** Bytes that the registry is known to hold. */
  acknowledged: number;
  /** Set where the registry wants the bytes in requests of this size. */
  wantedChunk?: number;
  /** Redirects that were followed with a stream. */
  moves?: number;
}

/** The session that an answer has opened: 202 by the specification, 200 or 201 in some registries. */
export function openedBy(answer: Answer): Session | undefined {
  return [200, 201, 202].includes(answer.status) ? nextSession(answer, 0) : undefined;
}

/** Opens a session. */
export async function startSession(
  client: RegistryClient,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const url = client.uploadsUrl();
  const answer = await client.exchange({ method: 'POST', url, signal });
  const session = openedBy(answer);
  if (!session) throw client.refused(answer, 'start an upload to');
  // where larger ones are asked for than can be held, all of it in one is large enough
  const wanted = headerNumber(answer, 'oci-chunk-min-length', limits.chunk) ?? 0;
  if (wanted > 0) return { ...session, wantedChunk: Math.max(wanted, limits.wantedChunk) };
  const isInParts = isEcr(client.reference.registry);
  return isInParts ? { ...session, wantedChunk: limits.wantedChunk } : session;
}

/** The session as an answer describes it; its Location changes from request to request. */
export function nextSession(answer: Answer, acknowledged: number): Session | undefined {
  const stated = header(answer, 'location');
  const location = stated === undefined ? undefined : resolveLocation(stated, answer.url);
  return location && { location, acknowledged };
}

/** The session after a request that the registry has accepted. */
export function accept(session: Session, answer: Answer, acknowledged: number): void {
  Object.assign(session, nextSession(answer, acknowledged), { acknowledged });
}

/** Asks for the state of a session: 204 and a Range. */
export async function askState(
  client: RegistryClient,
  { location }: Session,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return client.exchange({ method: 'GET', url: location, signal });
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
