import { buildInstalls } from './build-scripts.ts';
import type { WantedPackage } from './installs.ts';
import type { LocatedInstall } from './located.ts';
import { readRequirementFile } from './pip.ts';
import { startInstalls } from './start-scripts.ts';
import type { AuditSubject } from './subject.ts';

/** All commands of the flake's own scripts that install or download packages. */
export function findInstalls(subject: AuditSubject): LocatedInstall[] {
  const build = buildInstalls(subject);
  const known = new Set(build.map(({ derivation }) => derivation));
  const start = startInstalls(subject).filter(({ derivation }) => !known.has(derivation));
  return [...build, ...start].map(install => withRequirements(install, subject));
}

/** Reads the lists of requirements that a command names; one that is not there counts as one package. */
function withRequirements(install: LocatedInstall, { textOf }: AuditSubject): LocatedInstall {
  const listed = install.requirementFiles.map(file => {
    const text = textOf(file);
    if (text !== undefined) return readRequirementFile(text);
    return { wanted: [{ name: `what ${file} lists` }], addresses: [] };
  });
  const packages: WantedPackage[] = listed
    .flatMap(({ wanted }) => wanted)
    .map(each => ({ ...each, python: true }));
  return {
    ...install,
    packages: [...install.packages, ...packages],
    addresses: [...install.addresses, ...listed.flatMap(({ addresses }) => addresses)],
  };
}
