import { createHash } from 'node:crypto';
import { Failure } from '../host/failure.ts';

/** "sha256:" and 64 lower-case hex digits; the one algorithm that every registry has. */
const sha256Digest = /^sha256:[0-9a-f]{64}$/;

export const isDigest = (text: string): boolean => sha256Digest.test(text);

/** The digest of some bytes, as descriptors name it. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Bytes that do not have the digest by which they were asked for. */
export class WrongDigest extends Failure {}
