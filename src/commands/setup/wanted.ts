import type { EffectiveConf } from '../../nix/conf.ts';
import { readConfText } from '../../nix/conf-text.ts';

/** What a run wants of one setting. */
export interface WantedSetting {
  /** By its own name, without `extra-`. */
  name: string;
  /** The value that it is to have, before what is added; undefined: any. */
  whole: string | undefined;
  /** Words that are to be among it. */
  added: readonly string[];
}

/** How a setting differs from what was wanted, in words of its value. They may be secret. */
export interface Lack {
  missing: readonly string[];
  surplus: readonly string[];
}

/** What lines of nix.conf ask for, all of them together; the last word on a setting counts. */
export function wantedSettings(lines: readonly string[], conf: EffectiveConf): WantedSetting[] {
  const wanted = new Map<string, WantedSetting>();
  for (const line of readConfText(lines.join('\n'))) {
    const meant = line.kind === 'setting' ? conf.meant(line.name) : undefined;
    if (line.kind !== 'setting' || meant === undefined) continue;
    const { name, adds } = meant;
    const before = wanted.get(name) ?? { name, whole: undefined, added: [] };
    wanted.set(
      name,
      adds
        ? { ...before, added: [...before.added, ...wordsOf(line.value)] }
        : { name, whole: line.value, added: [] },
    );
  }
  return [...wanted.values()];
}

/** Names in lines of nix.conf that this Nix knows nothing of. */
export function unknownNames(lines: readonly string[], conf: EffectiveConf): string[] {
  return readConfText(lines.join('\n')).flatMap(line =>
    line.kind === 'setting' && conf.meant(line.name) === undefined ? [line.name] : [],
  );
}

/**
 * Compares a setting in effect with what was wanted. `unknown`: the value is of a form that Nix's JSON
 * shows in another way than nix.conf states it, such as `auto`.
 */
export function lackOf(wanted: WantedSetting, value: unknown): Lack | 'none' | 'unknown' {
  // old versions show numbers, new ones add what a feature brings and leave out what they do not have
  if (wanted.name === 'experimental-features') return 'unknown';
  const words = wordsInValue(value);
  if (words === undefined) return lackOfScalar(wanted, value);
  const spell = keyed(value) ? (word: string) => word.replace(/[=?].*$/, '') : spelling;
  const has = new Set(words.map(spelling));
  const added = wanted.added.map(spell);
  const all = new Set([...wordsOf(wanted.whole ?? '').map(spell), ...added]);
  const missing = [...all].filter(word => !has.has(word));
  const surplus = wanted.whole === undefined ? [] : [...has].filter(word => !all.has(word));
  return missing.length + surplus.length === 0 ? 'none' : { missing, surplus };
}

/** The words of a value that is a list or a table of words; undefined: it is none that can be told. */
function wordsInValue(value: unknown): string[] | undefined {
  if (Array.isArray(value)) return value.every(isText) ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (keyed(value)) return Object.keys(value);
  return Object.entries(value).map(([name, text]) => `${name}=${String(text)}`);
}

/** A table of more than texts: `sandbox-paths` of new versions. */
const keyed = (value: unknown): boolean =>
  !Array.isArray(value) &&
  typeof value === 'object' &&
  value !== null &&
  !Object.values(value).every(isText);

function lackOfScalar({ whole }: WantedSetting, value: unknown): Lack | 'none' | 'unknown' {
  const stated = whole === undefined ? undefined : scalar(whole, value);
  if (stated === undefined) return 'unknown';
  const has = typeof value === 'string' ? spelling(value) : value;
  return stated === has ? 'none' : { missing: [String(stated)], surplus: [String(has)] };
}

/** A stated value in the type of the one that is in effect; undefined: it cannot be told. */
function scalar(text: string, value: unknown): unknown {
  if (typeof value === 'boolean') return truths.get(text);
  if (typeof value === 'number') return numberIn(text);
  return typeof value === 'string' ? spelling(text) : undefined;
}

const truths = new Map([
  ...['true', 'yes', '1'].map(text => [text, true] as const),
  ...['false', 'no', '0'].map(text => [text, false] as const),
]);

/** Whole numbers, also with one of Nix's units. */
function numberIn(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([KMGT]?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' ');
}

const isText = (value: unknown): value is string => typeof value === 'string';

const wordsOf = (text: string): string[] => text.split(/\s+/).filter(word => word !== '');

/**
 * A word as it is compared: addresses and folders are the same with a slash at their end, and parameters
 * of addresses in whatever order and encoding (Nix 2.34 tells them sorted, with `:` as `%3A`).
 */
function spelling(word: string): string {
  const [, address, query] = /^([a-z][a-z0-9+.-]*:[^?]*)\?(.*)$/is.exec(word) ?? [];
  if (address === undefined || query === undefined) return withoutSlash(word);
  return `${withoutSlash(address)}?${query.split('&').map(decoded).sort().join('&')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const withoutSlash = (word: string): string => word.replace(/(?<=[^/])\/+$/, '');
