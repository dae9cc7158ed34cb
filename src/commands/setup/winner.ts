import { basename } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import { nixConfig, type Statement } from '../../nix/conf-statements.ts';
import { nixHome, userConfFolder } from '../../nix/user-files.ts';
import type { WantedSetting } from './wanted.ts';

/** Who it is that a setting of this run has lost to. */
export interface Winner {
  /** Completes "… wins over what this run sets", and stands for all settings that it wins. */
  name: string;
  /** What has to be done, as a sentence. */
  next: string;
}

/** Files of this program are told by their names. */
const isOurs = ({ file }: Statement) => basename(file).startsWith('comfy-nix');

/** What Nix reads of a setting after what this run has written, or all of it where that is not read. */
export function statedAfterUs(
  { name }: WantedSetting,
  statements: readonly Statement[],
  conf: EffectiveConf,
): Statement[] {
  const ours = statements.findLastIndex(isOurs);
  return statements.slice(ours + 1).filter(each => conf.meant(each.name)?.name === name);
}

/** Whether Nix reads what this run has written at all. */
export const isRead = (statements: readonly Statement[]): boolean => statements.some(isOurs);

/**
 * Who has won a setting: a line that Nix reads later, or what keeps Nix from reading our file.
 *
 * @param file the file with this run's settings
 */
export function winnerOf(
  wanted: WantedSetting,
  statements: readonly Statement[],
  conf: EffectiveConf,
  file: string,
  env: Host['env'],
): Winner {
  const last = statedAfterUs(wanted, statements, conf).at(-1);
  if (!isRead(statements)) return whyUnread(file, env);
  if (last === undefined) {
    // Nix before 2.10 takes any HOME, and reads other files than this program thinks
    return (
      foreignHome(env) ?? {
        name: 'something that Nix does not tell',
        next: `Compare "nix config show" with ${file}.`,
      }
    );
  }
  if (last.file !== nixConfig) {
    const name = `${last.file} (line ${last.line})`;
    return { name, next: `Take ${wanted.name} out of ${last.file}.` };
  }
  const where = env.GITHUB_ACTIONS === 'true' ? 'of the workflow' : 'of this environment';
  return {
    name: `NIX_CONFIG ${where} (line ${last.line})`,
    next: `Take ${wanted.name} out of NIX_CONFIG, or let its last line be "!include ${file}".`,
  };
}

function whyUnread(file: string, env: Host['env']): Winner {
  if (env.NIX_USER_CONF_FILES !== undefined) {
    const next = `Put ${file} in front of the files that NIX_USER_CONF_FILES names.`;
    return { name: 'NIX_USER_CONF_FILES, which names other files,', next };
  }
  return (
    foreignHome(env) ?? {
      name: `HOME (${env.HOME}), where Nix does not look for settings,`,
      next: `Let ${userConfFolder(env)}/nix.conf be a file that includes ${file}.`,
    }
  );
}

function foreignHome(env: Host['env']): Winner | undefined {
  const { HOME: home } = env;
  if (!home || home === nixHome(env)) return undefined;
  const name = `HOME (${home}), which belongs to another user,`;
  return { name, next: 'Set HOME to a folder of this user.' };
}
