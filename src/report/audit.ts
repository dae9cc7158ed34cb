import type {
  AuditRecord,
  Finding,
  PackageRecord,
  PackageSource,
  Severity,
} from '../record/audit.ts';
import { packageSources, severities } from '../record/audit-terms.ts';
import { plural, storeName } from './units.ts';

/** It was looked at, and nobody knows whose it is. */
const isUnseen = ({ source }: PackageRecord) => source === 'unseen';

/**
 * Whether a package is one that people choose. Libraries and programs of nixpkgs come with what was
 * chosen; they are counted apart, since hundreds of them would make every image look pinned. So is what
 * is not known to be from there, most of which is.
 */
const isChosen = (each: PackageRecord) =>
  !isUnseen(each) && (each.python || each.source !== 'nixpkgs');

const isPinned = ({ source }: PackageRecord) => !source.endsWith('network');

/** The counts of a layer, or of all. */
export interface SourceCounts {
  layer: string;
  /** Libraries and programs of nixpkgs. */
  libraries: number;
  /** The packages that were chosen, by source, and those of which it was not seen. */
  bySource: Record<PackageSource, number>;
  chosen: number;
  /** The share of them that is pinned, 0 to 1; 1 where there are libraries alone. */
  reproducible: number | undefined;
}

/** A row for each shipped layer that has something, and one for all. */
export function sourceCounts(audit: AuditRecord): { layers: SourceCounts[]; total: SourceCounts } {
  const shipped = audit.layers.filter(layer => layer.shipped).map(({ name }) => name);
  const names = [...new Set([...shipped, ...audit.packages.map(({ layer }) => layer)])];
  const layers = names.map(name =>
    count(
      name,
      audit.packages.filter(({ layer }) => layer === name),
    ),
  );
  const isEmpty = ({ chosen, libraries, bySource }: SourceCounts) =>
    chosen + libraries + bySource.unseen === 0;
  return {
    layers: layers.filter(each => !isEmpty(each)),
    total: count('total', audit.packages),
  };
}

function count(layer: string, packages: readonly PackageRecord[]): SourceCounts {
  const chosen = packages.filter(isChosen);
  const of = (source: PackageSource) => chosen.filter(each => each.source === source).length;
  const pinned = chosen.filter(isPinned).length;
  const unseen = packages.filter(isUnseen).length;
  const libraries = packages.length - chosen.length - unseen;
  return {
    layer,
    libraries,
    bySource: {
      nixpkgs: of('nixpkgs'),
      wheel: of('wheel'),
      source: of('source'),
      unseen,
      'build-network': of('build-network'),
      'start-network': of('start-network'),
    },
    chosen: chosen.length,
    reproducible: chosen.length > 0 ? pinned / chosen.length : libraries > 0 ? 1 : undefined,
  };
}

/** What a source is called in a table's head and in a sentence. */
const sourceNames: Readonly<Record<PackageSource, readonly [head: string, sentence: string]>> = {
  nixpkgs: ['nixpkgs', 'From nixpkgs'],
  wheel: ['wheels', 'Pre-fetched wheels'],
  source: ['sources', 'Built from a pinned source'],
  unseen: ['not seen', 'Origin not seen'],
  'build-network': ['at build', 'Over the network when the image is built'],
  'start-network': ['at start', 'Over the network when a container starts'],
};

export const tableHeads = [
  'layer',
  'libraries',
  ...packageSources.map(source => sourceNames[source][0]),
  'reproducible',
];

/** The cells of a row of the table. */
export function tableCells(counts: SourceCounts): string[] {
  const { layer, libraries, bySource, reproducible } = counts;
  return [
    layer,
    String(libraries),
    ...packageSources.map(source => String(bySource[source])),
    reproducible === undefined ? '–' : percent(reproducible),
  ];
}

/** 0.4167 is "42 %". Only all of them is 100 %, and only none is 0 %. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`;
  return `${Math.min(99, Math.max(1, Math.round(share * 100)))} %`;
}

/** The packages of each source that has some, without libraries: "Pre-fetched wheels: 6 (5 %)". */
export function sourceLists(audit: AuditRecord): { title: string; names: string[] }[] {
  const chosen = audit.packages.filter(isChosen);
  return packageSources.flatMap(source => {
    const isOfSource = (each: PackageRecord) => each.source === source;
    const packages =
      source === 'unseen' ? audit.packages.filter(isUnseen) : chosen.filter(isOfSource);
    if (packages.length === 0) return [];
    const share = source === 'unseen' ? '' : ` (${percent(packages.length / chosen.length)})`;
    return [
      {
        title: `${sourceNames[source][1]}: ${plural(packages.length, 'package')}${share}`,
        names: packages.map(packageName),
      },
    ];
  });
}

/** A commit or a digest is told by its first digits. */
const packageName = ({ name, version }: PackageRecord) =>
  version === undefined
    ? name
    : `${name} ${version.replace(/^(sha256:)?([0-9a-f]{12})(?:[0-9a-f]{28}|[0-9a-f]{52})$/, '$1$2')}`;

/** "120 packages and 212 libraries of nixpkgs, 47 % reproducible; the origin of 3 more was not seen." */
export function auditSentence(audit: AuditRecord): string {
  const { chosen, libraries, bySource, reproducible } = sourceCounts(audit).total;
  const share = reproducible === undefined ? '' : `, ${percent(reproducible)} reproducible`;
  const unseen =
    bySource.unseen === 0 ? '' : `; the origin of ${bySource.unseen} more was not seen`;
  return `${plural(chosen, 'package')} and ${plural(libraries, 'library', 'libraries')} of nixpkgs${share}${unseen}.`;
}

/** Findings of one rule, which share what they cost and what to do. */
export interface FindingGroup extends Pick<Finding, 'rule' | 'severity' | 'cost' | 'advice'> {
  /** Each with its place. */
  messages: string[];
}

/** The findings by rule, the worst first. */
export function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  const groups = Map.groupBy(
    findings,
    ({ rule, severity, cost, advice }) =>
      `${severities.indexOf(severity)} ${rule} ${cost} ${advice}`,
  );
  return [...groups.values()].flatMap(group => {
    const [first] = group;
    if (first === undefined) return [];
    const { rule, severity, cost, advice } = first;
    return [{ rule, severity, cost, advice, messages: [...new Set(group.map(placed))] }];
  });
}

/** What was found, with the layer where the sentence does not say it. */
function placed({ message, layer, derivation }: Finding): string {
  const isSaid = layer === undefined || layer === '' || message.includes(layer);
  const name = derivation === undefined ? undefined : storeName(derivation);
  const where = [
    ...(isSaid ? [] : [layer]),
    ...(name === undefined || message.includes(name) ? [] : [name]),
  ];
  return where.length === 0 ? message : `${message} (${where.join(', ')})`;
}

/** Whether an audit has something to tell. */
export const hasFindings = ({ packages, findings, unfree }: AuditRecord): boolean =>
  packages.length + findings.length + unfree.length > 0;

/** "2 errors and 1 warning"; undefined when there are none. */
export function findingCounts(findings: readonly Finding[]): string | undefined {
  const counts = severities.flatMap((severity: Severity) => {
    const number = findings.filter(each => each.severity === severity).length;
    return number === 0 ? [] : [plural(number, severity)];
  });
  return counts.length === 0 ? undefined : counts.join(' and ');
}
