import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';

/** The sha256 of bytes that come piece by piece. */
export interface RunningDigest {
  /** Takes the next bytes; they must stay as they are until it resolves. */
  update(bytes: Buffer): Promise<void>;
  /** "sha256:…" of all of them. */
  digest(): Promise<string>;
}

/** What the thread is asked: to take bytes, or, without any, for the digest. */
export interface DigestRequest {
  /** Which of the digests that are running. */
  id: number;
  bytes?: Uint8Array;
}

/** On this thread: for little. */
export function digestHere(): RunningDigest {
  const hash = createHash('sha256');
  return {
    update: async bytes => {
      hash.update(bytes);
    },
    digest: async () => `sha256:${hash.digest('hex')}`,
  };
}

/**
 * On a thread of its own, one for all layers, since hashing takes half of what this one does in a push.
 * The bytes must lie in shared memory; others would be copied.
 */
export function digestElsewhere(): RunningDigest {
  const thread = digestThread();
  const id = thread.nextId();
  return {
    update: async bytes => {
      await thread.ask({ id, bytes });
    },
    digest: async () => `sha256:${await thread.ask({ id })}`,
  };
}

interface DigestThread {
  nextId(): number;
  /** The digest in hex where it was asked for. Rejects when the thread has failed. */
  ask(request: DigestRequest): Promise<string | undefined>;
}

let running: DigestThread | undefined;

function digestThread(): DigestThread {
  running ??= startThread();
  return running;
}

/** It answers in the order of the questions, and keeps the process alive only while it is asked. */
function startThread(): DigestThread {
  const worker = new Worker(
    new URL(`./digest-thread.${extension(import.meta.url)}`, import.meta.url),
  );
  worker.unref();
  const waiting: PromiseWithResolvers<string | undefined>[] = [];
  let ids = 0;
  worker.on('message', (answer: string | undefined) => {
    waiting.shift()?.resolve(answer);
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', error => {
    running = undefined;
    for (const question of waiting.splice(0)) question.reject(error);
  });
  return {
    nextId: () => ids++,
    ask: request => {
      const question = Promise.withResolvers<string | undefined>();
      waiting.push(question);
      worker.ref();
      worker.postMessage(request);
      return question.promise;
    },
  };
}

const extension = (url: string) => url.slice(url.lastIndexOf('.') + 1);
