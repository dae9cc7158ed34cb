import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from './failure.ts';
import type { Host } from './host.ts';
import { lastLines } from './last-lines.ts';
import { patience } from './limits.ts';
import type { Finished } from './process.ts';
import { newTemporaryFolder } from './temporary.ts';
import { writePrivate } from './whole-file.ts';

/** Runs a program to its end, as this user or as root; a non-zero exit is a result, not an error. */
type RunProgram = (file: string, args: readonly string[]) => Promise<Finished>;

/** With what files are changed that lie outside of our own folders. */
export interface Hands {
  /** Runs the programs that do it: as this user, or as root. */
  run: RunProgram;
  /** In words that complete "tried as …". */
  who: 'this user' | 'root';
  host: Pick<Host, 'env' | 'signal'>;
}

/** Hands of this user. */
export function ownHands(host: Pick<Host, 'env' | 'run' | 'signal'>): Hands {
  const env = { LC_ALL: 'C' };
  const run: RunProgram = (file, args) =>
    host.run({ file, args, env, signal: host.signal, limit: { what: file, ms: patience.program } });
  return { run, who: 'this user', host };
}

/** Runs a program and gives what it prints. Rejects with a {@link Failure} where it fails. */
export async function must(
  { run, who }: Hands,
  file: string,
  ...args: readonly string[]
): Promise<string> {
  const { code, stdout, stderr } = await run(file, args);
  if (code === 0) return stdout;
  const evidence = lastLines(stderr);
  throw new Failure(`The program ${file} failed: ${evidence.at(-1) ?? `it ended with ${code}`}`, {
    ...(evidence.length > 1 ? { evidence } : {}),
    tried: `${file} ${args.join(' ')}, as ${who}.`,
  });
}

/**
 * Puts a text of ours at a place, whole or not at all; on the way it is a file that only this user can
 * read. Rejects with a {@link Failure}.
 */
export async function placeFile(
  file: string,
  text: string | Buffer,
  mode: string,
  hands: Hands,
): Promise<void> {
  const fresh = freshName(file);
  await must(hands, 'rm', '-f', fresh);
  await withText(text, hands, async source => {
    await must(hands, 'cp', source, fresh);
    await must(hands, 'chmod', mode, fresh);
    await must(hands, 'mv', '-f', fresh, file);
  });
}

/**
 * Where the new text of a file stands until it is complete. The name is always the same, so that a
 * run which is killed leaves one file at most, and the next takes it away.
 */
export const freshName = (file: string): string => `${file}.comfy-nix-new`;

/** Works with a text in a private file of this user. */
export async function withText<Value>(
  text: string | Buffer,
  { host: { env } }: Hands,
  work: (file: string) => Promise<Value>,
): Promise<Value> {
  const folder = await newTemporaryFolder('comfy-nix-text-', env);
  try {
    const file = join(folder, 'text');
    await writePrivate(file, text);
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
