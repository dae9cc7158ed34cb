import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../host/failure.ts';
import { visible } from '../host/visible.ts';

/** Programs that unpack what Node cannot; each is called like what it unpacks. */
export type Program = 'xz' | 'bzip2';

/** What programs are found by. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Bytes as a program of this machine unpacks them. It ends with its input, and is ended when the reader
 * stops early. Rejects with a {@link Failure} where there is no such program, or the bytes are damaged.
 */
export async function* throughProgram(
  program: Program,
  chunks: AsyncIterable<Buffer>,
  name: string,
  { PATH }: Environment,
): AsyncGenerator<Buffer> {
  const env = PATH === undefined ? {} : { PATH };
  const child = spawn(program, ['--decompress', '--stdout'], { env, stdio: 'pipe' });
  const ended = new Promise<number | Error | null>(resolve => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-1024);
  });
  // a program that ends early closes its input: why, its own words say
  const fed = pipeline(Readable.from(chunks), child.stdin).catch((error: unknown) => error);
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const how = await ended;
    if (how instanceof Error) throw absent(program, name, how);
    const broken = await fed;
    if (broken instanceof Failure) throw broken;
    if (how !== 0) throw damaged(name, said);
  } finally {
    child.kill();
  }
}

const absent = (program: Program, name: string, cause: Error) =>
  new Failure(
    `${visible(name)} is packed by ${program}, and no such program can be started here.`,
    { next: `Install ${program}, or pack the file by gzip or zstd.`, cause },
  );

const damaged = (name: string, said: string) =>
  new Failure(`${visible(name)} cannot be decompressed: ${visible(said.trim())}`, {
    next: 'Its bytes are damaged: make it, or fetch it, again.',
  });
