import * as v from 'valibot';
import { runNix } from './nix.ts';
import type { Nix } from './types.ts';

const printedNames = v.pipe(v.string(), v.parseJson(), v.array(v.string()));

/**
 * The names in a set of a flake, without evaluating what they stand for; [] where that cannot be told.
 *
 * @param options how Nix is to take the flake
 */
export async function existingNames(
  nix: Nix,
  installable: string,
  options: readonly string[],
  cwd: string,
): Promise<readonly string[]> {
  const args = ['eval', '--json', ...options, '--apply', 'builtins.attrNames', '--', installable];
  const { code, stdout } = await runNix(nix, 'nix', args, { cwd });
  const read = v.safeParse(printedNames, stdout);
  return code === 0 && read.success ? read.output : [];
}
