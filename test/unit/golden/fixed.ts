// Content that is the same everywhere and for ever: what goldens are made of.
import { createHash } from 'node:crypto';

const alphabet = '0123456789abcdfghijklmnpqrsvwxyz';

/** Bytes that look random, all told by a seed. */
export function fixedBytes(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(`${seed} ${at}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** A store path whose hash is told by its name. */
export function fixedPath(name: string): string {
  const hash = [...fixedBytes(name, 32)].map(byte => alphabet[byte % 32]).join('');
  return `/nix/store/${hash}-${name}`;
}

export const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
