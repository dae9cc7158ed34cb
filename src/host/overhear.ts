import { AsyncLocalStorage } from 'node:async_hooks';

/** What a piece of work has written to standard output, while it did not get there. */
const overheard = new AsyncLocalStorage<string[]>();

/** What stands in for `process.stdout.write` once somebody was overheard. */
let listener: typeof process.stdout.write | undefined;

/**
 * Does work of a library that prints, and gives what it printed instead. `@actions/cache` tells why it
 * failed only there, `@actions/tool-cache` prints whole addresses with what is secret in them, and an
 * image may be streamed to standard output. What others print meanwhile passes.
 */
export async function overhear<T>(work: () => Promise<T>): Promise<{ value: T; lines: string[] }> {
  listen();
  const said: string[] = [];
  const value = await overheard.run(said, work);
  return { value, lines: said.join('').split('\n') };
}

/**
 * It stays in place: pieces of work that overlap could not take it away in order. Where others have
 * put their own on top or in its stead, it goes on top of that.
 */
function listen(): void {
  const { stdout } = process;
  const { write } = stdout;
  if (write === listener) return;
  listener = (chunk: string | Uint8Array, ...rest: []) => {
    const said = overheard.getStore();
    if (said === undefined) return write.call(stdout, chunk, ...rest);
    said.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    return true;
  };
  stdout.write = listener;
}
