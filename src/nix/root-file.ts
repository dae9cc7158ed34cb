import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { newTemporaryFolder } from '../host/temporary.ts';
import type { RunPrivileged } from './install/privileged.ts';

/**
 * Writes a file of root that everybody can read, whole or not at all. Rejects with a {@link Failure},
 * also where this user can do nothing as root.
 */
export async function writeRootFile(
  file: string,
  text: string,
  runPrivileged: RunPrivileged,
  host: Host,
): Promise<void> {
  const folder = await newTemporaryFolder('comfy-nix-root-', host.env);
  try {
    const fresh = join(folder, 'fresh');
    await writeFile(fresh, text);
    await asRoot(runPrivileged, 'install', ['-D', '-m', '644', fresh, `${file}.fresh`]);
    await asRoot(runPrivileged, 'mv', [`${file}.fresh`, file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a program as root. Rejects with a {@link Failure} where it fails. */
export async function asRoot(
  run: RunPrivileged,
  file: string,
  args: readonly string[],
): Promise<void> {
  const { code, stderr } = await run(file, args);
  if (code === 0) return;
  throw new Failure(`The program ${file}, run as root, failed.`, {
    evidence: stderr.trimEnd().split('\n').slice(-5),
    tried: `${file} ${args[0] === '-c' ? '(a script)' : args.join(' ')}.`,
  });
}
