import { satisfies, valid, validRange } from '@renovatebot/pep440';
import { limits } from '../host/limits.ts';
import type { Variant } from './variant.ts';

/** Whether a text is a set of PEP 440 specifiers. What an index or a wheel says is of any length. */
export const isRange = (specifiers: string): boolean =>
  specifiers.length <= limits.requirement && validRange(specifiers);

/** A bare version means that very version; undefined for what is neither that nor a range. */
export function specifierOf(written: string): string | undefined {
  const trimmed = written.trim();
  if (trimmed === '' || trimmed === '*') return '';
  if (valid(trimmed) !== null) return `==${trimmed}`;
  return validRange(trimmed) ? trimmed : undefined;
}

/** The version that specifiers pin with `==`; undefined where they leave a choice. */
export const exactVersion = (versions: string): string | undefined =>
  /^===?\s*([^*,\s]+)$/.exec(versions.trim())?.[1];

/** Whether specifiers allow a version, be it before a release; empty ones allow all. */
export const isAllowed = (version: string, specifiers: string): boolean =>
  valid(version) !== null && satisfies(version, specifiers || '>=0.dev0', { prereleases: true });

/** A version without its local part: "2.10.0" for `2.10.0+cu130`. */
export const publicVersion = (version: string): string => version.split('+')[0] ?? version;

/** Whether a Python is new enough (and old enough) for a wheel's `Requires-Python`. */
export function runsOn(requires: string | undefined, variant: Variant): boolean {
  if (requires === undefined || requires === '' || !isRange(requires)) return true;
  // bounds such as >=3.12.4 are about first releases: what is installed is newer
  return satisfies(`${variant.python}.99`, requires);
}
