import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Failure } from '../../host/failure.ts';
import { writePrivate } from '../../host/whole-file.ts';
import { findRefusal } from '../../nix/broken-settings.ts';
import { refusalOf } from '../../nix/conf.ts';
import { readConfText } from '../../nix/conf-text.ts';
import type { Nix } from '../../nix/types.ts';
import { userConfFiles } from '../../nix/user-files.ts';

/**
 * Asks Nix whether it takes the lines of the input nix-conf, before anything of a run is kept. Rejects
 * with a {@link Failure} that names the line.
 *
 * @param lines as the input has them
 * @param folder the one in which they will be; files that they include are sought there
 * @param scratch a folder of this run
 */
export async function rehearse(
  nix: Nix,
  lines: readonly string[],
  folder: string,
  scratch: string,
): Promise<void> {
  if (lines.length === 0) return;
  const trial = join(scratch, 'nix-conf');
  const file = join(trial, 'comfy-nix.conf');
  await mkdir(trial, { recursive: true });
  try {
    const text = lines.map(line => withAbsoluteInclude(line, folder)).join('\n');
    await writePrivate(file, `${text}\n`);
    const files = [file, ...userConfFiles(nix.host.env)].join(':');
    const env = { ...nix.env, NIX_USER_CONF_FILES: files };
    const said = await refusalOf({ ...nix, env });
    if (said !== undefined) throw await refusedInput(said, file, { ...nix.host.env, ...env });
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}

function withAbsoluteInclude(line: string, folder: string): string {
  const [parsed] = readConfText(line);
  if (parsed?.kind !== 'include') return line;
  return `${parsed.required ? 'include' : '!include'} ${resolve(folder, parsed.file)}`;
}

async function refusedInput(
  said: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Failure> {
  const { what, at } = await findRefusal(said, env);
  const place = at?.file === file ? `line ${at.line}: ` : '';
  return new Failure(`Nix refuses what the input nix-conf says: ${place}${what}.`, {
    tried: 'to have Nix read these lines. No setting of this run was written.',
    next: 'Correct the input nix-conf.',
  });
}
