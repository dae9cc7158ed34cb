import { createHash } from 'node:crypto';
import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';

/** "sha256:" and 64 lower-case hex digits; the one algorithm that every registry has. */
const sha256Digest = /^sha256:[0-9a-f]{64}$/;

/** Whether something that came from elsewhere is a digest, the one form that may stand in an address. */
export const isDigest = (value: unknown): value is string =>
  typeof value === 'string' && sha256Digest.test(value);

/** The digest as it is. @throws Failure for anything else, `what` naming what it was to be of. */
export function checkedDigest(value: unknown, what: string): string {
  if (isDigest(value)) return value;
  throw new Failure(`${what} is named by ${described(value)}, which is not a sha256 digest.`, {
    tried: 'A digest is "sha256:" and 64 hexadecimal digits; no other algorithm is known here.',
    next: 'Check where the image comes from, or convert it with another tool.',
  });
}

const described = (value: unknown) =>
  typeof value === 'string' ? `"${visible(value)}"` : 'something else than text';

/** The digest of some bytes, as descriptors name it. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Bytes that do not have the digest by which they were asked for. */
export class WrongDigest extends Failure {}
