import type { Answer } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import { hasErrorCode } from './refusal.ts';

/**
 * How the bytes of a blob go to a registry: in one PATCH of any length, in ordered PATCHes of a size, or
 * with the PUT that closes the upload.
 */
export type Way =
  | { kind: 'stream' }
  /** `least`: smaller ones are not tried. */
  | { kind: 'chunks'; size: number; least: number }
  | { kind: 'whole' };

/** What the uploads to one registry have found out; the next ones begin with it. */
export interface Habits {
  way: Way;
  /** Bytes of the largest chunk that was taken. */
  taken: number;
}

/** Chunks of the size that a registry asks for are not halved below it. */
export const wantedChunks = (size: number): Way => ({ kind: 'chunks', size, least: size });

/**
 * What to try after a registry, or a proxy before it, has refused bytes that came in this way;
 * undefined: another way would not help.
 */
export function wayAfter(way: Way, answer: Answer): Way | undefined {
  if (way.kind === 'whole') return undefined;
  const isTooLarge = answer.status === 413;
  if (!isTooLarge && !isUnsupported(answer)) return undefined;
  if (way.kind === 'chunks') return isTooLarge ? halved(way) : { kind: 'whole' };
  return { kind: 'chunks', size: limits.triedChunk, least: limits.leastChunk };
}

/** Chunks of half the size; undefined where that is too small. */
export function halved(way: Way): Way | undefined {
  if (way.kind !== 'chunks' || way.size / 2 < way.least) return undefined;
  return { ...way, size: Math.floor(way.size / 2) };
}

/** Length Required, Method Not Allowed, Not Implemented; or in the registry's own words. */
function isUnsupported(answer: Answer): boolean {
  if ([405, 411, 501].includes(answer.status)) return true;
  return answer.status === 404 && hasErrorCode(answer, 'UNSUPPORTED');
}

/** Remembers a way, unless other uploads have come as far or further meanwhile; whether it is new. */
export function learn(habits: Habits, way: Way): boolean {
  const isNews = bytesAtOnce(way) < bytesAtOnce(habits.way);
  if (isNews) habits.way = way;
  return isNews;
}

/** What is later in the order in which ways are tried has less; the last one has nothing below it. */
function bytesAtOnce(way: Way): number {
  if (way.kind === 'chunks') return way.size;
  return way.kind === 'stream' ? Number.POSITIVE_INFINITY : 0;
}
