import type { PackageRecord, PackageSource } from '../record/audit.ts';
import type { DerivationFacts } from './facts.ts';
import {
  distributionName,
  fetchedSource,
  fetchedWheel,
  type NameAndVersion,
  pulledImage,
} from './fetches.ts';
import type { LocatedInstall } from './located.ts';
import { pathsOnlyRun } from './script-paths.ts';
import {
  type AuditedLayer,
  type AuditSubject,
  fetchedInputs,
  kindOf,
  neededInputs,
} from './subject.ts';

/**
 * The packages of the image, each in the first layer that has it. What is no package of its own, such
 * as a folder of links or a script, is looked through. The rules, in the order in which they hold:
 *
 * - what a script asks an index or a server for is a package from the network;
 * - a download that ends in `.whl`, or the package that is made of one, is a wheel;
 * - any other download that the flake itself uses, or a package that is written or changed outside of
 *   nixpkgs, is a pinned source;
 * - a derivation with `pname` and `version` that is written in nixpkgs alone, or that one of these is built
 *   from, is one of nixpkgs;
 * - of any other one the origin was not seen.
 *
 * Tools (`nativeBuildInputs` and the like) are no part of an image and are not counted.
 */
export function findPackages(
  subject: AuditSubject,
  installs: readonly LocatedInstall[],
  layerOf: (drvPath: string | undefined) => string,
): PackageRecord[] {
  const found = subject.layers
    .filter(layer => layer.shipped)
    .reduce((walk, layer) => walkLayer(layer, subject, walk), startWalk(installs));
  const network = installs
    .filter(install => !install.offline)
    .flatMap(install =>
      install.packages.map(
        ({ python, ...wanted }): PackageRecord => ({
          ...wanted,
          python,
          source: install.when === 'build' ? 'build-network' : 'start-network',
          layer: layerOf(install.derivation),
          ...(install.derivation === undefined ? {} : { derivation: install.derivation }),
        }),
      ),
    );
  return [...takenImages(subject), ...found.packages, ...network];
}

/** What is in an image of others is not known: it counts as one package. */
function takenImages({ layers }: AuditSubject): PackageRecord[] {
  return layers.flatMap(({ name: layer, taken, drvPaths: [derivation] }): PackageRecord[] => {
    if (taken === undefined) return [];
    const where = derivation === undefined ? { layer } : { layer, derivation };
    return [{ ...taken, ...where, source: 'unseen', python: false }];
  });
}

/** The same without those that say again what another one says: one of each name and version. */
export function distinctPackages(packages: readonly PackageRecord[]): PackageRecord[] {
  const seen = new Map<string, PackageRecord>();
  for (const each of packages) {
    const key = `${each.python} ${each.name} ${each.version ?? ''}`;
    if (!seen.has(key)) seen.set(key, each);
  }
  return [...seen.values()];
}

interface Walk {
  seen: Set<string>;
  packages: PackageRecord[];
  /** Derivations whose packages are those that their scripts install. */
  installing: ReadonlySet<string | undefined>;
}

function startWalk(installs: readonly LocatedInstall[]): Walk {
  const online = installs.filter(install => !install.offline && install.when === 'build');
  return {
    seen: new Set(),
    packages: [],
    installing: new Set(online.map(install => install.derivation)),
  };
}

function walkLayer(layer: AuditedLayer, subject: AuditSubject, walk: Walk): Walk {
  const pending = [...layer.contents];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const facts = subject.graph.get(next);
    if (facts === undefined || walk.seen.has(next)) continue;
    walk.seen.add(next);
    const found = packageOf(next, facts, subject, walk);
    if (found !== undefined) {
      walk.packages.push({ ...found, layer: layer.name, derivation: next });
    }
    // a fixed output refers to nothing: what fetches and unpacks it stays behind
    if (facts.fetch !== undefined) continue;
    pending.push(...keptInputs(next, facts, subject));
    // what a package is made of is in it; a script may put any download anywhere
    const isPackage = facts.pname !== undefined && facts.version !== undefined;
    if (!isPackage) pending.push(...fetchedInputs(facts, subject.graph));
  }
  return walk;
}

/** The inputs that may be in what is made of them: those that a script of the flake only runs are not. */
function keptInputs(
  drvPath: string,
  facts: DerivationFacts,
  { graph, near, provenance }: AuditSubject,
): string[] {
  const needed = neededInputs(facts, graph);
  const derivation = near.get(drvPath);
  const isUnseen = kindOf(drvPath, facts, provenance) === 'unseen';
  if (derivation === undefined || isUnseen) return needed;
  const only = pathsOnlyRun(derivation);
  return needed.filter(input => {
    const outputs = graph.get(input)?.outputs;
    const paths = facts.inputDrvs.get(input)?.map(name => outputs?.get(name) ?? '') ?? [];
    return !paths.every(path => only.has(path));
  });
}

type Found = NameAndVersion & { source: PackageSource; python: boolean };

function packageOf(
  drvPath: string,
  facts: DerivationFacts,
  subject: AuditSubject,
  { installing }: Walk,
): Found | undefined {
  const kind = kindOf(drvPath, facts, subject.provenance);
  if (kind === 'glue' || installing.has(drvPath)) return undefined;
  if (kind === 'fetch') return fetchedPackage(drvPath, facts, subject);
  const isWheel = fetchedInputs(facts, subject.graph).some(each => wheelOf(each, subject));
  return {
    ...packageName(facts),
    source: isWheel ? 'wheel' : kind === 'own' ? 'source' : kind,
    python: isWheel || isPython(facts),
  };
}

function fetchedPackage(
  drvPath: string,
  { fetch, name }: DerivationFacts,
  subject: AuditSubject,
): Found {
  const wheel = wheelOf(drvPath, subject);
  if (wheel !== undefined) return { ...wheel, source: 'wheel', python: true };
  const urls = fetch?.urls ?? [];
  const image = pulledImage(urls);
  if (image !== undefined) return { ...image, source: 'unseen', python: false };
  return { ...fetchedSource(urls, fetch?.rev, name), source: 'source', python: false };
}

/** The wheel that a fixed-output derivation downloads, or unpacks where another one has downloaded it. */
export function wheelOf(
  drvPath: string,
  { graph }: AuditSubject,
): Required<NameAndVersion> | undefined {
  const facts = graph.get(drvPath);
  if (facts?.fetch === undefined) return undefined;
  const isDownload = facts.fetch.urls.length > 0;
  const downloads = isDownload ? [drvPath] : [drvPath, ...fetchedInputs(facts, graph)];
  return downloads
    .flatMap(path => graph.get(path) ?? [])
    .map(({ fetch, name }) => fetch && fetchedWheel(fetch, name))
    .find(wheel => wheel !== undefined);
}

function packageName(facts: DerivationFacts): NameAndVersion {
  const { pname = facts.name, version } = facts;
  const name = isPython(facts) ? distributionName(pname) : pname;
  return { name, ...(version === undefined ? {} : { version }) };
}

/** nixpkgs puts the interpreter before the names of what is installed into it. */
const isPython = ({ name }: DerivationFacts) => /^(?:python\d\.\d+|pypy\d\.\d+)-/.test(name);
