import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** What is being written. All its functions reject with a {@link Failure}. */
export interface Output {
  write(bytes: Buffer): Promise<void>;
  /** All is written: a file has its name, the reader of a pipe sees the end. */
  complete(): Promise<void>;
  /** It will not be complete: a file keeps what it had. */
  discard(): Promise<void>;
}

/** What an error of a stream is for people. */
type Explain = (error: unknown) => unknown;

/** A stream that others opened and that stays open: in the end all has been handed over. */
export function lentOutput(stream: Writable, explain: Explain): Output {
  const write = writerTo(stream, explain);
  return { write, complete: () => write(Buffer.alloc(0)), discard: async () => undefined };
}

/** A stream of our own, which is closed in the end. */
export function ownOutput(stream: Writable, explain: Explain): Output {
  return {
    write: writerTo(stream, explain),
    complete: async () => {
      stream.end();
      await finished(stream, { readable: false }).catch(error => {
        throw explain(error);
      });
    },
    discard: () =>
      new Promise(done => {
        if (stream.closed) return done();
        stream.once('close', () => done());
        stream.destroy();
      }),
  };
}

/** Writes as fast as the stream takes it; an error at any time rejects the next write. */
function writerTo(stream: Writable, explain: Explain): Output['write'] {
  let broken: unknown;
  stream.on('error', error => {
    broken = error;
  });
  return bytes =>
    new Promise((done, reject) => {
      if (broken !== undefined) return reject(explain(broken));
      stream.write(bytes, error => (error ? reject(explain(error)) : done()));
    });
}
