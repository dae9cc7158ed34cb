import { join } from 'node:path';
import { writePrivate } from '../../host/whole-file.ts';
import { readConfText } from '../../nix/conf-text.ts';

/**
 * NIX_CONFIG with more lines at its end, where they win over all else. What it has already stays as it
 * is, unless there is a secret in it: then it moves into a file of mode 0600, and a line that includes
 * that takes its place, since the variable goes to all later steps of a job.
 *
 * @param folder of this run or job
 */
export async function extendedNixConfig(
  present: string | undefined,
  lines: readonly string[],
  folder: string,
): Promise<string> {
  if (!present) return lines.join('\n');
  if (!holdsSecret(present)) return [present, ...lines].join('\n');
  const file = join(folder, 'comfy-nix-config-before.conf');
  await writePrivate(file, `${present}\n`);
  return [`!include ${file}`, ...lines].join('\n');
}

/**
 * Lets NIX_CONFIG have the last word for what this run has written: nothing of it is in the variable.
 *
 * @param settings the file with what this run sets
 * @returns the line for NIX_CONFIG; it names a file of mode 0600
 */
export async function includeForJob(settings: string, folder: string): Promise<string> {
  const file = join(folder, 'comfy-nix-job.conf');
  await writePrivate(file, `include ${settings}\n`);
  return `!include ${file}`;
}

/** Tokens, and addresses with a login. */
function holdsSecret(text: string): boolean {
  return readConfText(text).some(
    each =>
      each.kind === 'setting' &&
      (/^(extra-)?access-tokens$/.test(each.name) || /:\/\/[^/\s]*@/.test(each.value)),
  );
}
