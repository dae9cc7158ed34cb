import { attribute } from '../nix/attribution.ts';
import type { AuditRecord, Finding, PackageRecord } from '../record/audit.ts';
import { severities } from '../record/audit-terms.ts';
import { readBump } from './bump.ts';
import { type LayerContent, layerContents, stackOf } from './contents.ts';
import { downloads, hazards, networkUses } from './findings/builds.ts';
import { bumpFragile } from './findings/bump-fragile.ts';
import { configFindings } from './findings/config.ts';
import { twoCudaVersions } from './findings/cuda.ts';
import { leftovers } from './findings/leftovers.ts';
import { wrongOrder } from './findings/order.ts';
import { pulledImages } from './findings/pulled.ts';
import { packagesTwice, wheelsTwice } from './findings/twice.ts';
import { distinctPackages, findPackages } from './packages.ts';
import { findInstalls } from './scripts.ts';
import {
  type AuditSubject,
  type LayerBlobs,
  type LayerClosures,
  referencesLayer,
} from './subject.ts';
import { unfreePackages } from './unfree.ts';

/** Where the packages of an image come from, and what of it will hurt. */
export function audit(
  subject: AuditSubject,
  closures: LayerClosures = new Map(),
  blobs: LayerBlobs = new Map(),
): AuditRecord {
  const layerOf = layerFinder(subject);
  const installs = findInstalls(subject);
  const all = findPackages(subject, installs, layerOf);
  const packages = distinctPackages(all);
  const contents = layerContents(subject, closures, blobs);
  const bump = readBump(subject);
  const findings = [
    ...hazards(subject, layerOf),
    ...networkUses(installs, layerOf),
    ...downloads(subject, installs, layerOf),
    ...pulledImages(subject, layerOf),
    ...twoCudaVersions(all, installs, layerOf),
    ...packagesTwice(all),
    ...wheelsTwice(subject, installs, layerOf),
    ...configFindings(subject, layerOf),
    ...leftovers(closures, subject.config, all, bump.makers),
    ...wrongOrder(stackOf(subject, contents, bump.makers), bump),
    ...bumpFragile(subject, contents, bump),
  ];
  return {
    layers: subject.layers.map(({ name, shipped }) => ({ name, shipped })),
    packages: packages.sort(byLayerAndName(subject)),
    findings: findings.sort(bySeverity),
    unfree: unfreePackages(packages, subject),
    derivations: subject.graph.size,
    unchecked: [...unchecked(subject, closures, contents), ...unseen(packages, subject)],
  };
}

function unchecked(
  { layers }: AuditSubject,
  closures: LayerClosures,
  contents: readonly LayerContent[],
): string[] {
  const names = layers.flatMap(({ name, shipped }) =>
    shipped && name !== referencesLayer ? [name] : [],
  );
  const sized = new Set(contents.map(({ layer }) => layer.name));
  return [
    ...notLooked(
      'Headers, compilers and derivations were',
      names.filter(name => !closures.has(name)),
    ),
    ...notLooked(
      'What a new nixpkgs moves was',
      names.filter(name => !sized.has(name)),
    ),
  ];
}

/** A download of which nothing is known has no origin that could be told. */
function unseen(packages: readonly PackageRecord[], { graph }: AuditSubject): string[] {
  const built = packages.filter(
    ({ source, derivation = '' }) =>
      source === 'unseen' && graph.has(derivation) && graph.get(derivation)?.fetch === undefined,
  );
  if (built.length === 0) return [];
  return [
    `Whether these are nixpkgs' was not seen, since only texts refer to them: ${listed(built)}. ` +
      'Their scripts were looked at; passthru.paths = [ … ] of what is made of them tells where they are ' +
      'from, and changes no derivation.',
  ];
}

/** The names that a sentence tells at most. */
const shown = 10;

function listed(packages: readonly PackageRecord[]): string {
  const names = packages.map(({ name }) => name);
  const more = names.length > shown ? ` and ${names.length - shown} more` : '';
  return `${names.slice(0, shown).join(', ')}${more}`;
}

const notLooked = (what: string, layers: readonly string[]) =>
  layers.length === 0
    ? []
    : [
        `${what} not looked for in ${layers.join(', ')}: ` +
          "that takes a recipe's layers, built and in this store.",
      ];

/** The first layer that a derivation is built for; a script of the config has none of its own. */
function layerFinder({ layers, graph }: AuditSubject): (drvPath: string | undefined) => string {
  const targets = layers.flatMap(({ name, drvPaths }) =>
    drvPaths.map(drvPath => ({ name, drvPath })),
  );
  const { layerOf } = attribute(graph, targets);
  return drvPath => (drvPath === undefined ? undefined : layerOf(drvPath)) ?? referencesLayer;
}

const bySeverity = (one: Finding, other: Finding) =>
  severities.indexOf(one.severity) - severities.indexOf(other.severity);

function byLayerAndName({ layers }: AuditSubject) {
  const place = new Map(layers.map(({ name }, index) => [name, index]));
  return (one: PackageRecord, other: PackageRecord) =>
    (place.get(one.layer) ?? 0) - (place.get(other.layer) ?? 0) || (one.name < other.name ? -1 : 1);
}
