import { Failure } from '../host/failure.ts';
import type { Platform } from '../image/oci/choose.ts';

/** The one error for a bad input: which, what was found, what would do. Exit code 2. */
export function badInput(name: string, problem: string, next?: string): Failure {
  return new Failure(`Input ${name}: ${problem}`, {
    exitCode: 2,
    ...(next === undefined ? {} : { next }),
  });
}

/** A value as people see it in an error: quoted, and not longer than a line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 117)}...` : text);
}

/** Reads `true` or `false` as YAML 1.2 writes them. */
export function readBoolean(name: string, raw: string): boolean {
  if (['true', 'True', 'TRUE'].includes(raw)) return true;
  if (['false', 'False', 'FALSE'].includes(raw)) return false;
  throw badInput(name, `expected true or false; found ${quote(raw)}.`);
}

/** Reads one of the choices. */
export function readChoice<Choice extends string>(
  name: string,
  raw: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find(each => each === raw);
  if (choice !== undefined) return choice;
  throw badInput(name, `expected ${choices.join(', ')}; found ${quote(raw)}.`);
}

/** Lines without the empty ones and the comments. A `#` within a line belongs to the value. */
export function readLines(raw: string): string[] {
  return raw
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'));
}

/** Entries by lines or commas, each once. */
export function readList(raw: string): string[] {
  const entries = readLines(raw)
    .flatMap(line => line.split(','))
    .map(entry => entry.trim())
    .filter(entry => entry !== '');
  return [...new Set(entries)];
}

/** Pairs by lines, in order; the key ends at the first `=`. A key must not come twice. */
export function readPairs(name: string, raw: string): [key: string, value: string][] {
  const pairs = new Map<string, string>();
  for (const line of readLines(raw)) {
    const end = line.indexOf('=');
    if (end < 1) throw badInput(name, `expected lines key=value; found ${quote(line)}.`);
    const key = line.slice(0, end).trim();
    if (pairs.has(key)) throw badInput(name, `${quote(key)} is given twice.`);
    pairs.set(key, line.slice(end + 1).trim());
  }
  return [...pairs];
}

/** A platform in OCI's names: system, processor, and a variant of that if one is meant. */
export function readPlatform(name: string, raw: string): Platform {
  const [, os, architecture, variant] =
    /^([a-z0-9]+)\/([a-z0-9]+)(?:\/(v?[a-z0-9.]+))?$/.exec(raw) ?? [];
  if (os !== undefined && architecture !== undefined) {
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  }
  throw badInput(name, `expected a platform such as linux/arm64; found ${quote(raw)}.`);
}

/** A size in bytes: a whole number, alone or with KiB, MiB or GiB. */
export function readSize(name: string, raw: string): number {
  const [, digits, unit = ''] = /^(\d+)\s*(KiB|MiB|GiB)?$/.exec(raw) ?? [];
  const size = Number(digits) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit);
  if (size > 0) return size;
  throw badInput(name, `expected a size such as 512MiB or 1GiB; found ${quote(raw)}.`);
}
