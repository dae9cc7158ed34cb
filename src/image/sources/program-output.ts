import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure } from '../../host/failure.ts';
import { patience } from '../../host/limits.ts';
import { visible } from '../../host/visible.ts';

/** Lines of a program's standard error that are kept as evidence. */
const keptLines = 30;

/**
 * Runs a program and gives its standard output as it comes; it waits while nobody reads, and is
 * ended when the reader stops early. Rejects with a {@link Failure} where it fails, or writes nothing
 * for long while somebody waits for it.
 *
 * @param silence milliseconds
 */
export async function* programOutput(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
  silence: number = patience.imageProgram,
): AsyncGenerator<Buffer> {
  signal?.throwIfAborted();
  const child = spawn(file, [], { env: needed(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-8192);
  });
  let startFailure: Error | undefined;
  const closed = new Promise<number | null>(resolve => {
    child.once('error', error => {
      startFailure = error;
      resolve(null);
    });
    child.once('close', resolve);
  });
  const abort = () => child.kill();
  signal?.addEventListener('abort', abort, { once: true });
  let complete = false;
  const chunks: AsyncIterator<Buffer> = child.stdout[Symbol.asyncIterator]();
  const giveUp = () => {
    child.kill('SIGKILL');
    // what it has started may hold both open
    child.stderr.destroy();
    child.stdout.destroy(silent(file, silence));
  };
  try {
    for (;;) {
      const timer = setTimeout(giveUp, silence);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) break;
      yield next.value;
    }
    complete = true;
    const code = await closed;
    signal?.throwIfAborted();
    if (code !== 0) throw failed(file, code, startFailure, errors);
  } finally {
    signal?.removeEventListener('abort', abort);
    if (!complete && child.exitCode === null && child.kill()) {
      const force = setTimeout(() => child.kill('SIGKILL'), patience.afterTerm);
      await once(child, 'exit');
      clearTimeout(force);
    }
  }
}

/** What was built needs no more than this of the environment, and gets no tokens. */
function needed(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'SOURCE_DATE_EPOCH'];
  return Object.fromEntries(names.flatMap(name => (env[name] ? [[name, env[name]]] : [])));
}

const silent = (file: string, ms: number) =>
  new Failure(`${file}, which writes the image, wrote nothing for ${ms / 1000} s.`, {
    tried: 'It was ended then.',
    next: `Run it by hand to see what it waits for: ${file} > image.tar`,
  });

function failed(file: string, code: number | null, cause: Error | undefined, errors: string) {
  const how = cause ? `could not be started: ${cause.message}` : `ended with ${code ?? 'a signal'}`;
  return new Failure(`${file}, which writes the image, ${how}.`, {
    evidence: errors.trimEnd().split('\n').slice(-keptLines).map(visible),
    next: `Run it by hand to see more: ${file} > image.tar`,
    cause,
  });
}
