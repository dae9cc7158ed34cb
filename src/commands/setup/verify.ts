import type { SetupSettings } from '../../inputs/settings.ts';
import { type EffectiveConf, readConf } from '../../nix/conf.ts';
import { confStatements, type Statement } from '../../nix/conf-statements.ts';
import type { Nix } from '../../nix/types.ts';
import { askedFor } from './asked-for.ts';
import type { Difference } from './difference.ts';
import { type Lack, lackOf, unknownNames, type WantedSetting, wantedSettings } from './wanted.ts';
import { isRead, statedAfterUs, winnerOf } from './winner.ts';

/** What was wanted, and where it was written. */
export interface Wanted {
  settings: SetupSettings;
  /** Lines of nix.conf, secret ones among them. */
  lines: readonly string[];
  /** The file that has them, absolute; people may be told to include it. */
  file: string;
}

/** What Nix answered. */
export interface Verified {
  conf: EffectiveConf;
  differences: readonly Difference[];
}

/**
 * Asks Nix for the settings in effect and compares them with what was wanted. Changes nothing, starts one
 * Nix process. Rejects with a {@link Failure} where Nix refuses its settings.
 *
 * @param nix with the environment of those who are to find the settings
 */
export async function verifySettings(nix: Nix, wanted: Wanted): Promise<Verified> {
  const conf = await readConf(nix);
  const env = { ...nix.host.env, ...nix.env };
  const settings = wantedSettings(wanted.lines, conf);
  const doubtful = settings.filter(each => lackOf(each, conf.value(each.name)) !== 'none');
  const statements = doubtful.length === 0 ? [] : await confStatements(env);
  const lost = doubtful.flatMap(setting => {
    const lack = lackIn(statements, setting, conf);
    if (lack === undefined) return [];
    // that there is more than was wanted is nothing that an input has asked for
    const inputs = lack.missing.length > 0 ? askedFor(setting.name, wanted.settings) : [];
    const winner = winnerOf(setting, statements, conf, wanted.file, env);
    return [{ setting: setting.name, inputs, ...winner }];
  });
  const differences = [...Map.groupBy(lost, ({ name }) => name)].map(([winner, group]) => {
    const names = group.map(({ setting }) => setting);
    return {
      kind: 'lost' as const,
      settings: names,
      sentence: `${winner} wins over what this run sets: ${names.join(', ')}.`,
      next: group[0]?.next ?? '',
      inputs: [...new Set(group.flatMap(({ inputs }) => inputs))],
    };
  });
  return { conf, differences: [...differences, ...unknownSettings(nix, wanted.settings, conf)] };
}

/** What a setting lacks; by what files and variables state where Nix's JSON does not tell. */
function lackIn(
  statements: readonly Statement[],
  wanted: WantedSetting,
  conf: EffectiveConf,
): Lack | undefined {
  const lack = lackOf(wanted, conf.value(wanted.name));
  if (lack === 'none') return undefined;
  if (lack !== 'unknown') return lack;
  const { whole, added } = wanted;
  const all = { missing: whole === undefined ? added : [whole], surplus: [] };
  if (!isRead(statements)) return all;
  const later = statedAfterUs(wanted, statements, conf).findLast(
    each => conf.meant(each.name)?.adds === false,
  );
  if (later === undefined || later.value === whole) return undefined;
  const words = later.value.split(' ');
  return whole === undefined && added.every(word => words.includes(word)) ? undefined : all;
}

/** Nix itself only warns of them, with each command. */
function unknownSettings(
  { version }: Nix,
  { conf: { lines } }: SetupSettings,
  conf: EffectiveConf,
): Difference[] {
  return unknownNames(lines, conf).map(name => ({
    kind: 'unknown',
    settings: [name],
    sentence: `Nix ${version} has no setting ${name}, which the input nix-conf names.`,
    next: 'Correct its name, or take another version of Nix.',
    inputs: [],
  }));
}
