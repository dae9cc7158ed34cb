import type { LayerPackage } from './types.ts';

/** Packages of one layer that a record names; Debian's and nixpkgs' largest images have fewer in all. */
const mostPackages = 2000;

/** Outputs of a derivation beside its first, which end the names of their store paths. */
const output = /-(?:bin|dev|lib|man|doc|devdoc|info|data|static|debug|dist|out)$/;

/**
 * What store paths tell of packages: name and version, each once, sorted. Paths without a version, such as
 * scripts and environments, are no packages.
 */
export function packagesOf(storePaths: readonly string[]): LayerPackage[] {
  const packages = new Map<string, LayerPackage>();
  for (const path of storePaths) {
    const found = packageOf(path);
    if (found !== undefined) packages.set(`${found.name} ${found.version}`, found);
  }
  const sorted = [...packages].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.slice(0, mostPackages).map(([, found]) => found);
}

/** Name and version of a store path's package; undefined where it tells no version. */
function packageOf(path: string): LayerPackage | undefined {
  const full = path.slice(path.lastIndexOf('/') + 1).slice(33);
  const wheel = /^(.+?)-(\d[^-]*)-.+\.whl$/.exec(full);
  if (wheel) return { name: wheel[1] ?? '', version: wheel[2] ?? '' };
  const { name, version } = splitName(full.replace(output, ''));
  return /^\d/.test(version) ? { name, version } : undefined;
}

/** As Nix's parseDrvName: the version begins after the first hyphen that no letter follows; "": there is none. */
export function splitName(full: string): LayerPackage {
  const at = full.search(/-(?=[^a-zA-Z])/);
  return at < 0
    ? { name: full, version: '' }
    : { name: full.slice(0, at), version: full.slice(at + 1) };
}
