import { basename, dirname, join, resolve } from 'node:path';
import type { Host } from '../host/host.ts';
import { readConfFile, systemConfFolder } from './conf-statements.ts';
import { readConfText } from './conf-text.ts';

/** Determinate's Nix writes nix.conf anew at each start of its daemon, and leaves this one to people. */
const custom = 'nix.custom.conf';

/**
 * The system's file of settings that is people's to change: nix.conf, or the file for it where nix.conf
 * itself is written by a program.
 */
export async function systemConfFile(env: Host['env']): Promise<string> {
  const file = join(systemConfFolder(env), 'nix.conf');
  const included = readConfText((await readConfFile(file)) ?? '').find(
    each => each.kind === 'include' && basename(each.file) === custom,
  );
  return included?.kind === 'include' ? resolve(dirname(file), included.file) : file;
}
