/**
 * Where a package comes from. The first three are pinned: the same inputs give the same bytes. The
 * other two are asked of an index or a server, while the image is built or when a container starts.
 */
export const packageSources = [
  'nixpkgs',
  'wheel',
  'source',
  'build-network',
  'start-network',
] as const;

export type PackageSource = (typeof packageSources)[number];

/** A package that is in the image, or gets into its containers when they start. */
export interface PackageRecord {
  /** A Python distribution's normalised name, else the `pname` of the derivation. */
  name: string;
  /** Absent where nothing says it. */
  version?: string;
  source: PackageSource;
  /** Whether it is a Python package; else a library, a program or data. */
  python: boolean;
  /** The first layer that has it. */
  layer: string;
  /** What makes it, or runs the command that fetches it; absent for a text of the image's config. */
  derivation?: string;
}

/** How bad a finding is, the worst first. */
export const severities = ['error', 'warning', 'note'] as const;

export type Severity = (typeof severities)[number];

/** What the audit looks for. */
export const auditRules = [
  'vm-build',
  'sandbox-off',
  'impure',
  'network-at-build',
  'network-at-start',
  'unpinned-branch',
  'fake-hash',
  'two-cuda-versions',
  'library-twice',
  'secret-in-environment',
  'runs-as-root',
  'leftovers',
] as const;

export type AuditRule = (typeof auditRules)[number];

/** Something that will hurt. No text of it ever holds the value of a secret. */
export interface Finding {
  rule: AuditRule;
  severity: Severity;
  /** What was found, as a sentence. */
  message: string;
  /** Absent where it concerns the image as a whole. */
  layer?: string;
  derivation?: string;
  /** What it costs, as a sentence. */
  cost: string;
  /** What to do, as a sentence. */
  advice: string;
}

/** A package whose licence is not free: it may be used, and not always be passed on. */
export interface UnfreePackage {
  name: string;
  version?: string;
  /** As nixpkgs names it, such as "CUDA EULA". */
  licence: string;
  layer: string;
}

/** What an audit says of an image. */
export interface AuditRecord {
  /** The lowest first. What is not shipped is built for others. */
  layers: { name: string; shipped: boolean }[];
  packages: PackageRecord[];
  /** The worst first. */
  findings: Finding[];
  unfree: UnfreePackage[];
  /** Derivations that were looked at. */
  derivations: number;
  /** What could not be looked at and why, as sentences. */
  unchecked: string[];
}
