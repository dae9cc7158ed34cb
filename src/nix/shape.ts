import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import { nearest } from '../host/nearest.ts';
import { isDerivationPath, isNixName, isPlaceholder, isStorePath } from './names.ts';

/** A value that evaluation found, and where: "recipe.layers[2].target". */
export interface Found {
  at: string;
  value: unknown;
}

/** A derivation as `describe-target.ts` describes it. */
export interface DescribedDerivation {
  name: string;
  system: string | null;
  drv: string;
  output: string;
  out: string;
}

/** Where evaluation cannot give a value, it gives the value's type in a field of this name. */
const typeField = '$type';

/** The complaint about a value that is not what it has to be. */
export function mismatch({ at, value }: Found, expected: string): Failure {
  return new Failure(`${at}: expected ${expected}, found ${nameOf(value)}`, {
    tried: 'The recipe was read from the evaluated target.',
    next: "Correct this field in the flake; the README's section on recipes lists them all.",
  });
}

export function readString(found: Found, pattern = /^/, expected = 'a string'): string {
  if (typeof found.value !== 'string' || !pattern.test(found.value)) {
    throw mismatch(found, expected);
  }
  return found.value;
}

export function readInteger(found: Found, least = 0): number {
  if (!Number.isSafeInteger(found.value) || Number(found.value) < least) {
    throw mismatch(
      found,
      least === 0 ? 'an integer that is not negative' : `an integer from ${least} on`,
    );
  }
  return Number(found.value);
}

/** The number of a user or a group. */
export function readOwner(found: Found): number {
  const owner = readInteger(found);
  if (owner <= limits.owner) return owner;
  throw mismatch(found, `the number of a user or group, at most ${limits.owner}`);
}

export function readBoolean(found: Found): boolean {
  if (typeof found.value !== 'boolean') throw mismatch(found, 'true or false');
  return found.value;
}

export function readList<T>(found: Found, item: (found: Found) => T): T[] {
  if (!Array.isArray(found.value)) throw mismatch(found, 'a list');
  return found.value.map((value: unknown, index) => item({ at: `${found.at}[${index}]`, value }));
}

/** Refuses entries of a list that have the same text in a field. */
export function refuseTwice(list: Found, field: string, values: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const before = seen.get(value);
    if (before !== undefined) {
      throw new Failure(
        `${list.at}[${index}].${field}: "${value}" is also the ${field} of ${list.at}[${before}]`,
        { next: 'Name each folder once.' },
      );
    }
    seen.set(value, index);
  }
}

/** A list that somebody has written; one that a program made by mistake is longer. */
export function readShortList<T>(found: Found, item: (found: Found) => T): T[] {
  const { length } = Array.isArray(found.value) ? found.value : [];
  if (length <= limits.recipeList) return readList(found, item);
  throw new Failure(`${found.at}: a list of ${length}, and at most ${limits.recipeList} are read`, {
    next: 'Put several of them into one derivation, such as by symlinkJoin or buildEnv.',
  });
}

/** The fields of a set, whatever their names are. */
export function readFields(found: Found): Found[] {
  if (typeOf(found.value) !== 'set') throw mismatch(found, 'a set');
  return Object.entries(Object(found.value)).map(([name, value]) => ({
    at: /^\w+$/.test(name) ? `${found.at}.${name}` : `${found.at}.${JSON.stringify(name)}`,
    value,
  }));
}

/** A set whose values are all read alike. */
export function readMap<T>(found: Found, item: (found: Found) => T): Record<string, T> {
  const names = Object.keys(Object(found.value));
  return Object.fromEntries(readFields(found).map((field, at) => [names[at] ?? '', item(field)]));
}

/**
 * A set of which every field has a known name: gives access to them by name, absent and null alike
 * as undefined. A name that is not known is an error that proposes the nearest one that is.
 */
export function readSet<Name extends string>(
  found: Found,
  known: readonly Name[],
): (name: Name) => Found | undefined {
  const fields = readMap(found, field => field);
  for (const name of Object.keys(fields)) {
    if (known.some(one => one === name)) continue;
    throw new Failure(`${found.at}: there is no field "${name}"`, {
      next: `Did you mean "${nearest(name, known)}"? Known are: ${known.join(', ')}.`,
    });
  }
  return name => (fields[name]?.value === null ? undefined : fields[name]);
}

/** A field that has to be there. */
export function required(set: Found, name: string, field: Found | undefined): Found {
  return field ?? { at: `${set.at}.${name}`, value: undefined };
}

/** A derivation whose names and paths are such as Nix makes, whatever its set was overridden with. */
export function readDerivation(found: Found): DescribedDerivation {
  if (typeOf(found.value) !== 'derivation') throw mismatch(found, 'a derivation');
  const { name, system, drv, output, out } = Object(found.value) as Record<string, unknown>;
  const text = (field: string, value: unknown, check: (text: string) => boolean, what: string) => {
    if (typeof value === 'string' && check(value)) return value;
    throw mismatch({ at: `${found.at}.${field}`, value }, what);
  };
  const nameRule = 'a name as Nix allows it (letters, digits, "+-._?=", at most 211)';
  return {
    name: text('name', name, isNixName, nameRule),
    system: system === null ? null : text('system', system, isNixName, 'a system'),
    drv: text('drvPath', drv, isDerivationPath, 'the store path of a derivation'),
    output: text('outputName', output, isNixName, nameRule),
    out: text('outPath', out, path => isStorePath(path) || isPlaceholder(path), 'a store path'),
  };
}

/** A value's type: as evaluation named it, else what JSON shows. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'object') return typeof value;
  const type: unknown = Object.entries(value).find(([name]) => name === typeField)?.[1];
  return typeof type === 'string' ? type : 'set';
}

/** A value for people: short ones are shown, others named by their type. */
function nameOf(value: unknown): string {
  const type = typeOf(value);
  if (type === 'undefined') return 'nothing';
  if (type === 'null') return 'null';
  if (type === 'boolean') return String(value);
  if (type === 'number') return `the number ${String(value)}`;
  if (type === 'string') {
    const text = JSON.stringify(value);
    return `a string${text.length <= 80 ? ` (${text})` : ''}`;
  }
  if (Array.isArray(value) && value.length === 0) return 'an empty list';
  return type === 'lambda' ? 'a function' : `a ${type}`;
}
