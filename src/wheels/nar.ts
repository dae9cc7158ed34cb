import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';

/**
 * SRI sha256 of a path as a NAR: what Nix compares with a recursive `outputHash`. The format is in
 * section 5.2 of "The Purely Functional Software Deployment Model" (Dolstra, 2006), and in the Nix
 * manual ("Nix Archive (NAR) format"). Files are streamed.
 */
export async function narHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  put(hash, 'nix-archive-1');
  await hashNode(hash, Buffer.from(path));
  return `sha256-${hash.digest('base64')}`;
}

async function hashNode(hash: Hash, path: Buffer): Promise<void> {
  const stats = await lstat(path);
  put(hash, '(', 'type');
  if (stats.isSymbolicLink()) {
    put(hash, 'symlink', 'target', await readlink(path, { encoding: 'buffer' }));
  } else if (stats.isDirectory()) {
    put(hash, 'directory');
    const names = await readdir(path, { encoding: 'buffer' });
    for (const name of names.sort(Buffer.compare)) {
      put(hash, 'entry', '(', 'name', name, 'node');
      await hashNode(hash, Buffer.concat([path, Buffer.from('/'), name]));
      put(hash, ')');
    }
  } else if (stats.isFile()) {
    put(hash, 'regular');
    if ((stats.mode & 0o100) !== 0) put(hash, 'executable', '');
    put(hash, 'contents');
    hash.update(lengthOf(stats.size));
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    hash.update(padding(stats.size));
  } else throw new Error(`${path} is no file, folder or link`);
  put(hash, ')');
}

/** Strings go in with their length before them and zeros after them. */
function put(hash: Hash, ...strings: (string | Buffer)[]): void {
  for (const string of strings) {
    const bytes = Buffer.from(string);
    hash.update(lengthOf(bytes.length)).update(bytes).update(padding(bytes.length));
  }
}

function lengthOf(size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(size));
  return bytes;
}

/** Zeros up to the next multiple of eight. */
function padding(size: number): Buffer {
  return Buffer.alloc((8 - (size % 8)) % 8);
}
