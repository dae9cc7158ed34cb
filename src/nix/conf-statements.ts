import { dirname, join, resolve } from 'node:path';
import type { Host } from '../host/host.ts';
import { limits } from '../host/limits.ts';
import { shortTextAt } from '../host/presence.ts';
import { readConfText } from './conf-text.ts';
import { userConfFiles } from './user-files.ts';

/** Where a line stands; `file` is "NIX_CONFIG" for a line of that variable. */
export interface ConfLocation {
  file: string;
  /** From 1. */
  line: number;
}

/** A setting as one line states it. */
export interface Statement extends ConfLocation {
  name: string;
  value: string;
}

/** The variable whose lines win over all files. */
export const nixConfig = 'NIX_CONFIG';

/** The folder of the system's nix.conf. */
function systemConfFolder(env: Host['env']): string {
  return env.NIX_CONF_DIR || '/etc/nix';
}

/**
 * All that the files and the variable say from which Nix takes its settings, in the order in which it
 * does: the last word counts. This tells people who wins; what is in effect is for Nix alone to say.
 */
export async function confStatements(env: Host['env']): Promise<Statement[]> {
  const files = [join(systemConfFolder(env), 'nix.conf'), ...userConfFiles(env).toReversed()];
  const ofFiles = await Promise.all(files.map(file => statementsIn(file, 0)));
  return [...ofFiles.flat(), ...(await statementsOf(env.NIX_CONFIG ?? '', nixConfig, 0))];
}

/** The settings in a file and in those that it includes, as lines of nix.conf. */
export async function settingsIn(file: string): Promise<string[]> {
  return (await statementsIn(file, 0)).map(({ name, value }) => `${name} = ${value}`);
}

async function statementsIn(file: string, depth: number): Promise<Statement[]> {
  return statementsOf((await readConfFile(file)) ?? '', file, depth);
}

async function statementsOf(text: string, file: string, depth: number): Promise<Statement[]> {
  const found: Statement[] = [];
  for (const each of readConfText(text)) {
    if (each.kind === 'setting') {
      found.push({ file, line: each.line, name: each.name, value: each.value });
    }
    if (each.kind !== 'include' || depth >= limits.confIncludes) continue;
    found.push(...(await statementsIn(resolve(dirname(file), each.file), depth + 1)));
  }
  return found;
}

/** The text of a file of settings; undefined where it cannot be read, as Nix then goes on without. */
export async function readConfFile(file: string): Promise<string | undefined> {
  return shortTextAt(file, limits.confFile);
}
