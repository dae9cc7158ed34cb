import { satisfies, validRange } from '@renovatebot/pep440';
import type { Variant } from './variant.ts';
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
  const [headers = ''] = metadata.split(/\r?\n\r?\n/);
  return headers
    .split(/\r?\n/)
    .flatMap(line => /^Requires-Dist:\s*(.*)$/i.exec(line)?.[1] ?? [])
    .flatMap(line => parseRequirement(line, variant) ?? []);
}

function parseRequirement(line: string, variant: Variant): Requirement | undefined {
  const [requirement = '', marker = ''] = line.split(';');
  const [, name, versions = ''] =
    /^\s*([\w.-]+)\s*(?:\[[^\]]*\])?\s*\(?([^()@]*)\)?\s*$/.exec(requirement) ?? [];
  if (name === undefined || !holds(marker, variant)) return undefined;
  const specifiers = versions.trim();
  if (specifiers === '' || !validRange(specifiers)) return undefined;
  return { name: normalizeName(name), versions: specifiers };
}

/** Whether all of a marker's conditions, joined by "and", certainly hold. */
function holds(marker: string, variant: Variant): boolean {
  if (marker.trim() === '') return true;
  return marker.split(/\s+and\s+/).every(condition => {
    const [, variable = '', operator = '', value = ''] =
      /^[\s(]*(\w+)\s*(==|!=|<=|>=|<|>)\s*["']([^"']*)["'][\s)]*$/.exec(condition) ?? [];
    const actual = environment(variant)[variable];
    if (actual === undefined) return false;
    if (variable === 'python_version') return satisfies(actual, `${operator}${value}`);
    return operator === '==' ? actual === value : operator === '!=' && actual !== value;
  });
}

/** The variables of markers (PEP 508) that a variant decides. */
function environment({ system, python }: Variant): Readonly<Record<string, string>> {
  const [machine = ''] = system.split('-');
  return {
    python_version: python,
    os_name: 'posix',
    sys_platform: 'linux',
    platform_system: 'Linux',
    platform_machine: machine,
    implementation_name: 'cpython',
    platform_python_implementation: 'CPython',
  };
}
