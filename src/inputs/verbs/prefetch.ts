import { resolve } from 'node:path';
import type { RunContext } from '../context.ts';
import { allRead, parse } from '../parse.ts';
import type { PrefetchSettings } from '../settings.ts';
import type { RawInputs } from '../table.ts';
import { trustedInputs } from '../trusted.ts';

/**
 * Reads the inputs of the verb `prefetch`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parsePrefetch(raw: RawInputs, context: RunContext): PrefetchSettings {
  const values = parse('prefetch', trustedInputs(raw, context.github));
  const { wheels, lock, verify, unpacked, check, githubToken, workingDirectory, ...rest } = values;
  allRead(rest);
  const folder = resolve(context.currentDirectory, workingDirectory);
  return {
    wheelsFile: resolve(folder, wheels),
    lockFile: resolve(folder, lock),
    verify,
    unpacked,
    check,
    githubToken,
    temporaryDirectory: context.temporaryDirectory,
  };
}
