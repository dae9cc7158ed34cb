import { limits } from '../host/limits.ts';
import { factsOf, holds } from './markers.ts';
import type { Variant } from './variant.ts';
import { isRange } from './versions.ts';
import { normalizeName } from './wheel-name.ts';

/** What a wheel needs beside itself, or a list asks for (PEP 508). */
export interface Requirement {
  /** Normalised. */
  name: string;
  /** Normalised, in their order. */
  extras: readonly string[];
  /** PEP 440 specifiers; empty: any version. */
  versions: string;
}

/** A requirement as it is written: where it comes from, and when it holds. */
export interface WrittenRequirement extends Requirement {
  /** After `@`. */
  url: string | undefined;
  /** After `;`, or empty. */
  marker: string;
}

/**
 * The requirements in a wheel's METADATA (core metadata, `Requires-Dist`; PEP 508) that hold in a
 * variant with these extras. What is no requirement by today's rules is left out.
 */
export function readRequirements(
  metadata: string,
  variant: Variant,
  extras: Iterable<string> = [],
): Requirement[] {
  const facts = factsOf(variant, extras);
  return requirementLines(metadata).flatMap(line => {
    const written = parseRequirement(line);
    if (written === undefined || !holds(written.marker, facts)) return [];
    const { name, extras, versions } = written;
    return [{ name, extras, versions }];
  });
}

/** The requirements in METADATA as they are written. */
export function requirementLines(metadata: string): string[] {
  const [headers = ''] = metadata.split(/\r?\n\r?\n/, 1);
  return headers
    .split(/\r?\n/)
    .flatMap(line => /^Requires-Dist:(.*)$/i.exec(line)?.[1]?.trim() ?? [])
    .slice(0, limits.requirements);
}

/** Takes a requirement apart; undefined where it is none. */
export function parseRequirement(text: string): WrittenRequirement | undefined {
  if (text.length > limits.requirement) return undefined;
  const line = text.replace(/\s+/g, ' ').trim();
  const [, name, after = ''] = /^([A-Za-z0-9][\w.-]*)(.*)$/.exec(line) ?? [];
  if (name === undefined || !/[A-Za-z0-9]$/.test(name)) return undefined;
  const [, list = '', rest = after] = /^ ?\[([^\]]*)\](.*)$/.exec(after) ?? [];
  const extras = list.split(',').map(each => each.trim());
  if (list !== '' && !extras.every(each => /^[A-Za-z0-9][\w.-]*$/.test(each))) return undefined;
  const target = rest.trim().startsWith('@') ? addressIn(rest) : versionsIn(rest);
  if (target === undefined) return undefined;
  const named = extras.filter(each => each !== '').map(normalizeName);
  return { name: normalizeName(name), extras: named, ...target };
}

type Target = Pick<WrittenRequirement, 'versions' | 'url' | 'marker'>;

/** `@ https://… ; marker`: a space comes before the semicolon, which addresses may hold. */
function addressIn(text: string): Target | undefined {
  const [, url, marker = ''] = /^ ?@ ?(\S+)(?: ; ?(.*))?$/.exec(text) ?? [];
  return url === undefined ? undefined : { url, versions: '', marker };
}

/** `>=1,<2; marker`, the versions in parentheses or not. */
function versionsIn(text: string): Target | undefined {
  const [range = '', ...marker] = text.split(';');
  const [, inner] = /^ ?\(([^()]*)\) ?$/.exec(range) ?? [];
  const versions = (inner ?? range).trim();
  if (versions !== '' && !isRange(versions)) return undefined;
  return { url: undefined, versions, marker: marker.join(';').trim() };
}
