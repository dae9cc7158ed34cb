import { join } from 'node:path';
import { isExecutable } from '../../host/presence.ts';

/** Programs that this program needs beside Nix, by the name of their executable. */
export type NeededProgram = 'git' | 'tar' | 'xz';

/** How a distribution installs packages, and what it calls those that matter here. */
export interface PackageManager {
  /** The program; a machine that has it on PATH uses it. */
  program: string;
  /** What people type in front of the packages' names. */
  install: string;
  packages: Readonly<Record<NeededProgram | 'nix', string>>;
}

const usual = { git: 'git', tar: 'tar', xz: 'xz', nix: 'nix' };

const packageManagers: readonly PackageManager[] = [
  {
    program: 'apt-get',
    install: 'apt-get install',
    packages: { ...usual, xz: 'xz-utils', nix: 'nix-bin' },
  },
  { program: 'dnf', install: 'dnf install', packages: usual },
  { program: 'pacman', install: 'pacman -S', packages: usual },
  { program: 'apk', install: 'apk add', packages: usual },
  { program: 'zypper', install: 'zypper install', packages: usual },
];

/** Absolute path of a program on PATH, or undefined. */
export async function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(':').filter(each => each !== '')) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** The package manager of this machine, or undefined when it is none of the known ones. */
export async function findPackageManager(
  env: Readonly<Record<string, string | undefined>>,
): Promise<PackageManager | undefined> {
  for (const manager of packageManagers) {
    if (await findProgram(manager.program, env)) return manager;
  }
  return undefined;
}

/** Which of these programs are not on PATH. */
export async function missingPrograms(
  names: readonly NeededProgram[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<NeededProgram[]> {
  const found = await Promise.all(names.map(name => findProgram(name, env)));
  return names.filter((_, index) => found[index] === undefined);
}

/** What to type in order to install these programs, as a sentence. */
export function installAdvice(
  names: readonly (NeededProgram | 'nix')[],
  manager: PackageManager | undefined,
): string {
  if (manager === undefined) return `Install ${names.join(' and ')} and run this again.`;
  const packages = names.map(name => manager.packages[name]).join(' ');
  return `Install with: ${manager.install} ${packages}`;
}
