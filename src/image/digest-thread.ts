// The thread that hashes for src/image/tar-digest.ts; its first file, as main.ts is the action's.
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { DigestRequest } from './tar-digest.ts';

const hashes = new Map<number, Hash>();

parentPort?.on('message', ({ id, bytes }: DigestRequest) => {
  const hash = hashes.get(id) ?? createHash('sha256');
  if (bytes) {
    hashes.set(id, hash.update(bytes));
    parentPort?.postMessage(undefined);
  } else {
    hashes.delete(id);
    parentPort?.postMessage(hash.digest('hex'));
  }
});
