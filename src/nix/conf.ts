import { Failure } from '../host/failure.ts';
import { isAtLeast, runNix } from './nix.ts';
import type { Nix } from './types.ts';

/** The settings that a Nix has in effect, from all of its files and variables. */
export interface EffectiveConf {
  /** Whether this version has the setting; it complains about each that it does not have. */
  knows(name: string): boolean;
  /** Whether a setting has the value that it has where nobody says anything. */
  isDefault(name: string): boolean;
  /** The value of a setting that is a list; empty where the setting is unknown. */
  list(name: string): string[];
  /** The value of any other setting; empty where it is unknown. */
  text(name: string): string;
  /** The names in a setting that maps names to texts, such as access-tokens. */
  names(name: string): string[];
}

/** Reads the settings in effect, in one Nix process. Rejects with a {@link Failure}. */
export async function readConf(nix: Nix): Promise<EffectiveConf> {
  const command = isAtLeast(nix.version, '2.20') ? ['config', 'show'] : ['show-config'];
  const { code, stdout, stderr } = await runNix(nix, 'nix', [...command, '--json']);
  if (code === 0) return effectiveConf(JSON.parse(stdout) as Settings);
  throw new Failure('Nix does not accept its own settings.', {
    evidence: stderr.trimEnd().split('\n').slice(-5),
    tried: `nix ${command.join(' ')}.`,
    next: 'Correct nix.conf, or the variables NIX_CONFIG and NIX_USER_CONF_FILES.',
  });
}

/** What `nix config show --json` says. */
type Settings = Readonly<Record<string, { value: unknown; defaultValue: unknown }>>;

/** {@link EffectiveConf} of settings as Nix prints them. */
export function effectiveConf(settings: Settings): EffectiveConf {
  const value = (name: string) => settings[name]?.value;
  const list = (name: string) => {
    const found = value(name);
    return Array.isArray(found) ? found.map(String) : [];
  };
  return {
    knows: name => name in settings,
    isDefault: name => JSON.stringify(value(name)) === JSON.stringify(settings[name]?.defaultValue),
    list,
    text: name => String(value(name) ?? ''),
    names: name => {
      const found = value(name);
      return typeof found === 'object' && found !== null ? Object.keys(found) : [];
    },
  };
}
