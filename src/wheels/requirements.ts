import { satisfies } from '@renovatebot/pep440';
import { limits } from '../host/limits.ts';
import type { Variant } from './variant.ts';
import { isRange } from './wanted.ts';
import { normalizeName } from './wheel-name.ts';

/** What a wheel needs beside itself. */
export interface Requirement {
  /** Normalised. */
  name: string;
  /** PEP 440 specifiers. */
  versions: string;
}

/**
 * The requirements in a wheel's METADATA (core metadata, `Requires-Dist`; PEP 508) that hold in a
 * variant for certain: those of extras, and those with conditions that are not understood, are left
 * out.
 */
export function readRequirements(metadata: string, variant: Variant): Requirement[] {
  const [headers = ''] = metadata.split(/\r?\n\r?\n/, 1);
  return headers
    .split(/\r?\n/)
    .flatMap(line => /^Requires-Dist:(.*)$/i.exec(line)?.[1] ?? [])
    .filter(line => line.length <= limits.requirement)
    .slice(0, limits.requirements)
    .flatMap(line => parseRequirement(line.replace(/\s+/g, ' '), variant) ?? []);
}

/** A requirement with single spaces: patterns with more of them take long to fail. */
function parseRequirement(line: string, variant: Variant): Requirement | undefined {
  const [requirement = '', marker = ''] = line.split(';');
  const [, name, versions = ''] =
    /^\s*([\w.-]+)\s*(?:\[[^\]]*\])?\s*\(?([^()@]*)\)?\s*$/.exec(requirement) ?? [];
  if (name === undefined || !holds(marker, variant)) return undefined;
  const specifiers = versions.trim();
  if (specifiers === '' || !isRange(specifiers)) return undefined;
  return { name: normalizeName(name), versions: specifiers };
}

/** Whether all of a marker's conditions, joined by "and", certainly hold. */
function holds(marker: string, variant: Variant): boolean {
  if (marker.trim() === '') return true;
  return marker.split(/\s+and\s+/).every(condition => {
    const [, variable = '', operator = '', value = ''] =
      /^[\s(]*(\w+)\s*(==|!=|<=|>=|<|>)\s*["']([^"']*)["'][\s)]*$/.exec(condition) ?? [];
    const actual = environment(variant).get(variable);
    if (actual === undefined) return false;
    if (variable === 'python_version') return satisfies(actual, `${operator}${value}`);
    return operator === '==' ? actual === value : operator === '!=' && actual !== value;
  });
}

/** The variables of markers (PEP 508) that a variant decides. */
function environment({ system, python }: Variant): ReadonlyMap<string, string> {
  const [machine = ''] = system.split('-');
  return new Map([
    ['python_version', python],
    ['os_name', 'posix'],
    ['sys_platform', 'linux'],
    ['platform_system', 'Linux'],
    ['platform_machine', machine],
    ['implementation_name', 'cpython'],
    ['platform_python_implementation', 'CPython'],
  ]);
}
