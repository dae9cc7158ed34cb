import type { Host } from '../../host/host.ts';
import type { BuildSettings } from '../../inputs/settings.ts';
import { confStatements } from '../../nix/conf-statements.ts';
import { readConfText } from '../../nix/conf-text.ts';
import { type FlakeSource, flakeSource } from '../../nix/flake-source.ts';

/** Settings of Nix by which a commit gives something else than it does elsewhere. */
const decisive: Readonly<Record<string, (value: string) => boolean>> = {
  system: () => true,
  'eval-system': () => true,
  'pure-eval': value => value !== 'true',
  // functions that are no function of their arguments
  'allow-unsafe-native-code-during-evaluation': value => value !== 'false',
  'plugin-files': () => true,
  // the store's folder is part of all paths
  store: namesFolder,
};

/**
 * The commit that alone decides what the flake gives, with the settings that a memory knows; undefined where
 * there is none, or Nix is told to go by something else. Rejects for an interrupt alone.
 */
export async function seeSource(
  { flake = '.', workingDirectory, conf }: BuildSettings,
  host: Host,
): Promise<FlakeSource | undefined> {
  if (host.env.NIX_STORE_DIR || namesFolder(host.env.NIX_REMOTE ?? '')) return undefined;
  const [source, stated] = await Promise.all([
    flakeSource(flake, workingDirectory, host),
    confStatements(host.env),
  ]);
  const given = readConfText(conf.lines.join('\n'));
  const settings = [...stated, ...given.filter(each => each.kind === 'setting')];
  return settings.some(({ name, value }) => decisive[name]?.(value)) ? undefined : source;
}

/** Whether the address of a store says that its paths begin with another folder. */
function namesFolder(address: string): boolean {
  return /[?&]store=/.test(address);
}
