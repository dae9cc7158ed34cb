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
  if (code === 0) return effectiveConf(readSettings(stdout));
  throw new Failure('Nix does not accept its own settings.', {
    evidence: stderr.trimEnd().split('\n').slice(-5),
    tried: `nix ${command.join(' ')}.`,
    next: 'Correct nix.conf, or the variables NIX_CONFIG and NIX_USER_CONF_FILES.',
  });
}

/** What `nix config show --json` says. */
type Settings = Readonly<Record<string, { value?: unknown; defaultValue?: unknown }>>;

/** The settings in what Nix printed. Throws a {@link Failure}, which does not quote it: it has tokens. */
export function readSettings(printed: string): Settings {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  try {
    const settings: unknown = JSON.parse(printed);
    // what is nested too deep to be compared is no setting
    JSON.stringify(settings);
    const isRight = isObject(settings) && Object.values(Object(settings)).every(isObject);
    if (isRight && !Array.isArray(settings)) return settings as Settings;
  } catch {
    // said below
  }
  throw new Failure('What Nix says of its settings is not understood.', {
    tried: 'Reading it as JSON: an object with a value for each setting.',
  });
}

/** {@link EffectiveConf} of settings as Nix prints them. */
export function effectiveConf(settings: Settings): EffectiveConf {
  const setting = (name: string) => (Object.hasOwn(settings, name) ? settings[name] : undefined);
  const value = (name: string) => setting(name)?.value;
  const list = (name: string) => {
    const found = value(name);
    return Array.isArray(found) ? found.map(textOf) : [];
  };
  return {
    knows: name => setting(name) !== undefined,
    isDefault: name => JSON.stringify(value(name)) === JSON.stringify(setting(name)?.defaultValue),
    list,
    text: name => textOf(value(name)),
    names: name => {
      const found = value(name);
      return typeof found === 'object' && found !== null ? Object.keys(found) : [];
    },
  };
}

/** Settings are texts, numbers, true or false. */
const textOf = (value: unknown): string =>
  ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
