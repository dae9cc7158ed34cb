import { valid } from '@renovatebot/pep440';
import { normalizeName } from '../wheel-name.ts';

/** The project and the version in a source archive's name; undefined where it has none (PEP 625). */
export function parseArchiveName(
  filename: string,
): { project: string; version: string } | undefined {
  const [, project, version = ''] =
    /^([A-Za-z0-9][\w.-]*)-([^-]+?)\.(?:tar\.gz|tgz|zip)$/.exec(filename) ?? [];
  if (project === undefined || valid(version) === null) return undefined;
  return { project: normalizeName(project), version };
}
