import { createHash } from 'node:crypto';
import { narBytes } from '../image/nar-writer.ts';

/** Bytes that are read at a time. */
const pieceSize = 2 ** 20;

/** SRI sha256 of a path as a NAR: what Nix compares with a recursive `outputHash`. */
export async function narHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  const nar = narBytes(path);
  const piece = Buffer.alloc(pieceSize);
  try {
    for (let size = await nar.fill(piece); size > 0; size = await nar.fill(piece)) {
      hash.update(piece.subarray(0, size));
    }
  } finally {
    await nar.close();
  }
  return `sha256-${hash.digest('base64')}`;
}
