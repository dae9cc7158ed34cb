import { Failure } from '../host/failure.ts';
import type { Finished } from '../host/process.ts';
import { brokenSettings } from './broken-settings.ts';
import { isAtLeast, type MetNix, runNix } from './nix.ts';
import type { Nix } from './types.ts';

/** The settings that a Nix has in effect, from all of its files and variables. */
export interface EffectiveConf {
  /** Whether this version has the setting; it complains about each that it does not have. */
  knows(name: string): boolean;
  /**
   * The setting that a line `name = …` is about, by its own name, and whether the line adds to its value
   * (`extra-name`); undefined: this version has none of that name.
   */
  meant(name: string): { name: string; adds: boolean } | undefined;
  /** The value of a setting as Nix's JSON has it. */
  value(name: string): unknown;
  /** Whether a setting has the value that it has where nobody says anything. */
  isDefault(name: string): boolean;
  /** The value of a setting that is a list; empty where the setting is unknown. */
  list(name: string): string[];
  /** The value of any other setting; empty where it is unknown. */
  text(name: string): string;
  /** The names in a setting that maps names to texts, such as access-tokens. */
  names(name: string): string[];
  /** Such a setting whole, secrets and all. */
  table(name: string): Map<string, string>;
}

/**
 * Asks a Nix for the settings in effect, in one process. Its answer has tokens in clear: it is read here
 * and shown nowhere. Rejects with a {@link Failure}.
 *
 * @param early what it has said already; undefined, or a refusal: it is asked now
 */
export async function readConf(nix: Nix, early?: Finished): Promise<EffectiveConf> {
  const { code, stdout, stderr } = early?.code === 0 ? early : await showConf(nix);
  if (code === 0) return effectiveConf(parseSettings(stdout));
  throw await brokenSettings(nix.bin, stderr, { ...nix.host.env, ...nix.env });
}

/** Asks Nix while they are met for their settings, beside whatever else they are asked. */
export interface EarlyQuestions {
  meet(nix: MetNix): void;
  /** The settings of one of them, or of any other Nix. Rejects with a {@link Failure}. */
  confOf(nix: Nix): Promise<EffectiveConf>;
  /** Resolves when no question is open any more. */
  answered(): Promise<void>;
}

/** {@link EarlyQuestions}. */
export function askEarly(): EarlyQuestions {
  const answers = new Map<string, Promise<Finished | undefined>>();
  return {
    meet: nix => {
      // all versions know that name, and newer ones another
      const answer = askConf(nix, ['show-config']);
      answers.set(
        nix.bin,
        answer.catch(() => undefined),
      );
    },
    confOf: async nix => readConf(nix, await answers.get(nix.bin)),
    answered: async () => {
      await Promise.all(answers.values());
    },
  };
}

/** What a Nix says that refuses its settings; undefined: it takes them. */
export async function refusalOf(nix: Nix): Promise<string | undefined> {
  const { code, stderr } = await showConf(nix);
  return code === 0 ? undefined : stderr;
}

function showConf(nix: Nix): Promise<Finished> {
  return askConf(nix, isAtLeast(nix.version, '2.20') ? ['config', 'show'] : ['show-config']);
}

function askConf(nix: MetNix, command: readonly string[]): Promise<Finished> {
  const features = ['--extra-experimental-features', 'nix-command'];
  return runNix(nix, 'nix', [...features, ...command, '--json']);
}

/** What `nix config show --json` says. */
type Settings = Readonly<
  Record<string, { value: unknown; defaultValue: unknown; aliases?: readonly string[] }>
>;

/** @throws Failure that repeats nothing of the text */
export function parseSettings(text: string): Settings {
  try {
    const settings: unknown = JSON.parse(text);
    JSON.stringify(settings); // what is nested too deep to be compared is no setting
    if (isObject(settings) && Object.values(settings).every(isObject)) return settings as Settings;
  } catch {
    // said below; the parser's own message would quote the text, tokens and all
  }
  throw new Failure('Nix does not tell its settings in a form that is known.', {
    tried: 'nix config show --json, and read an object of settings.',
    next: 'Run it yourself; it must print JSON and nothing else.',
  });
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** {@link EffectiveConf} of settings as Nix prints them. */
export function effectiveConf(settings: Settings): EffectiveConf {
  const has = (name: string) => Object.hasOwn(settings, name);
  const value = (name: string) => (has(name) ? settings[name]?.value : undefined);
  const table = (name: string) => {
    const found = value(name);
    const entries = isObject(found) ? Object.entries(found) : [];
    return new Map(entries.map(([key, text]) => [key, textOf(text)]));
  };
  const names = new Map(
    Object.entries(settings).flatMap(([name, { aliases }]) =>
      [name, ...(Array.isArray(aliases) ? aliases : [])].map(each => [String(each), name] as const),
    ),
  );
  const list = (name: string) => {
    const found = value(name);
    return Array.isArray(found) ? found.map(textOf) : [];
  };
  return {
    knows: has,
    meant: stated => {
      const name = names.get(stated);
      if (name !== undefined) return { name, adds: false };
      const added = names.get(/^extra-(.*)$/.exec(stated)?.[1] ?? '');
      return added === undefined ? undefined : { name: added, adds: true };
    },
    value,
    isDefault: name =>
      JSON.stringify(value(name)) ===
      JSON.stringify(has(name) ? settings[name]?.defaultValue : undefined),
    list,
    text: name => textOf(value(name)),
    names: name => [...table(name).keys()],
    table,
  };
}

/** Settings are texts, numbers, true or false. */
const textOf = (value: unknown): string =>
  ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
