import type { BuilderSettings } from '../nix/builders.ts';
import type { ReclaimDisk } from '../nix/disk.ts';
import type { NixSettings } from '../nix/install/releases.ts';
import type { RegistryCredentials } from '../registry/credentials.ts';
import type { Values } from './parse.ts';

/** What nix.conf is to say beside what it says already. */
export interface ConfSettings {
  /** Lines as they are. */
  lines: readonly string[];
  /** Tokens for flake inputs, most specific first; those of the user's own nix.conf win over `job`. */
  accessTokens: readonly { host: string; token: string }[];
  /** The job's own token, for the GitHub that runs it. */
  jobToken?: string | undefined;
  trustedUsers: readonly string[];
  /** Undefined: by the machine's memory, unless nix.conf says it. */
  maxJobs?: string | undefined;
  cores?: string | undefined;
  /** Where it is written, and for how long: for this run, for the job, or for this user until it is undone. */
  place: 'run' | 'job' | 'user';
}

/** A cache of Cachix. */
interface CachixCache {
  name: string;
  token?: string | undefined;
}

/** A cache of Cachix that gets what is built. */
export interface CachixPush extends CachixCache {
  signingKey?: string | undefined;
}

/** Where built things come from, and where they go. */
export interface CacheSettings {
  /** Whether the public caches with CUDA builds are used. */
  cudaCaches: boolean;
  substituters: readonly string[];
  /** `name:base64`. */
  publicKeys: readonly string[];
  cachix: {
    pull: readonly CachixCache[];
    push: readonly CachixPush[];
    /** Store paths that it matches are not pushed. */
    filter?: RegExp | undefined;
    /** Whether a push that fails fails the run. */
    required: boolean;
  };
  /** Places for `nix copy --to`, without credentials. */
  binaryCaches: readonly string[];
  /** A Nix signing key, `name:base64`. */
  signingKey?: string | undefined;
  /** GitHub's cache of the repository. */
  github: {
    use: 'auto' | 'true' | 'false';
    /** Bytes that one run may save. */
    limit: number;
    /** False: the cache is read only, since the code is a fork's. */
    save: boolean;
  };
}

/** All that the verb `setup` needs to know, parsed and checked; `build` begins with the same. */
export interface SetupSettings {
  nix: NixSettings;
  conf: ConfSettings;
  caches: CacheSettings;
  /** Machines that build for this one; undefined: none but those of nix.conf. */
  builders?: BuilderSettings | undefined;
  reclaimDisk: ReclaimDisk;
  /** Whether settings are written, taken back, or only told. */
  task: 'write' | 'undo' | 'check';
  /** Why caches get nothing and no token is used: code from a fork. */
  cacheRefusal?: string | undefined;
  /** A folder of this run alone, absolute; it is deleted at the end of the run or job. */
  temporaryDirectory: string;
}

/** Inputs of `build` that it has in other words than the table gives them. */
type PutForBuild =
  | keyof Values<'setup'>
  | ('image' | 'tags' | 'push' | 'labels' | 'annotations' | 'registryUsername' | 'registryPassword')
  | ('workingDirectory' | 'record');

/** A pull request, and what its comments are written with. */
export interface PullRequest {
  /** "owner/name". */
  repository: string;
  number: number;
  token: string;
}

/** All that the verb `build` needs to know, parsed and checked; the rest as the table describes it. */
export interface BuildSettings extends SetupSettings, Omit<Values<'build'>, PutForBuild> {
  /** Absolute. */
  workingDirectory: string;
  /** Repository, `oci:DIR`, `docker-archive:FILE` or `-`; undefined: `oci:NAME-image`, of the recipe. */
  image?: string | undefined;
  /** Bare tags; empty: the recipe's tag. */
  tags: readonly string[];
  /** They are part of the config. */
  labels: Readonly<Record<string, string>>;
  /** Labels that an image made from a recipe has unless `labels` says otherwise. */
  repositoryLabels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Where inputs do something else than they say, a sentence or two each. */
  remarks: readonly string[];
  push: boolean;
  /** Why nothing is pushed, as a sentence; undefined when `push`. */
  pushRefusal?: string | undefined;
  /** False: the memory is read but never written (pull requests, forks). */
  writeMemory: boolean;
  credentials: RegistryCredentials;
  /** The pull request of this repository that the run belongs to, which may be told of it. */
  pull?: PullRequest;
  /** The workflow's event, such as "push"; absent outside of one. */
  event?: string;
  /** Branches with whose last run this one is compared, the best first; none: with the last run. */
  compareWith: readonly string[];
  /** The flake is somebody else's code: what it builds is not run outside of the sandbox. */
  fromFork: boolean;
  /** File for the record, absolute. */
  recordFile?: string | undefined;
}

/** All that the verb `plan` needs to know: the settings of a build that writes nothing. */
export interface PlanSettings extends BuildSettings {
  /** What is told of; one that is undefined is what a build without a name of one builds. */
  flakes: readonly (string | undefined)[];
  /** Which targets of the flake are meant instead: names and globs, or, without any, the flake's own. */
  variants?: { patterns: readonly string[] | undefined };
  /** Whether the matrix has images that are up to date, too. */
  includeUnchanged: boolean;
  /** Whether the exit code tells whether there is something to do. */
  exitCode: boolean;
}

/** All that the verb `why` needs to know: the same for one image. */
export interface WhySettings extends BuildSettings {
  /** Undefined: all of them. */
  layer: string | undefined;
}

/** From which severity on findings fail a run. */
export type AuditLimit = Values<'audit'>['auditFailOn'];

type PutForAudit =
  | ('installNix' | 'nixVersion' | 'nixReleaseUrl' | 'nixReleaseSha256')
  | ('nixConf' | 'accessTokens' | 'githubToken')
  | ('workingDirectory' | 'record');

/** All that the verb `audit` needs to know, parsed and checked; the rest as the table describes it. */
export interface AuditSettings extends Omit<Values<'audit'>, PutForAudit> {
  nix: NixSettings;
  /** What private inputs of the flake are fetched with. */
  conf: ConfSettings;
  /** Absolute. */
  workingDirectory: string;
  /** File for what was found, absolute. */
  recordFile?: string | undefined;
  /** Why no token is used, as a sentence: code from a fork. */
  tokenRefusal?: string | undefined;
  /** A folder of this run alone, absolute. */
  temporaryDirectory: string;
}

type PutForCopy =
  | ('source' | 'destination' | 'tags' | 'push' | 'workingDirectory')
  | ('registryUsername' | 'registryPassword' | 'githubToken');

/** All that the verb `copy` needs to know, parsed and checked; the rest as the table describes it. */
export interface CopySettings extends Omit<Values<'copy'>, PutForCopy> {
  /** A reference, `oci:DIR[:TAG]`, `docker-archive:FILE`, or a path. */
  source: string;
  destination: {
    /** Repository, `oci:DIR`, `docker-archive:FILE` or `-`. */
    image: string;
    /** Empty: those of the source, else `latest`. */
    tags: string[];
  };
  credentials: RegistryCredentials;
  /** What is copied may be somebody else's code, and is not run. */
  fromFork: boolean;
  /** Absolute. */
  workingDirectory: string;
  /** Whether the destination may learn what was copied. */
  writeMemory: boolean;
  /** Why nothing is copied, as a sentence: the destination is a registry, and this run may not push. */
  refusal?: string | undefined;
}

type PutForReport =
  | ('run' | 'trace' | 'html' | 'workingDirectory')
  | ('registryUsername' | 'registryPassword' | 'githubToken');

/** All that the verb `report` needs to know, parsed and checked. */
export interface ReportSettings extends Omit<Values<'report'>, PutForReport> {
  /** A record's file, a reference, or `oci:DIR[:TAG]`. */
  run: string;
  /** Files to write, absolute. */
  traceFile?: string | undefined;
  htmlFile?: string | undefined;
  credentials: RegistryCredentials;
  /** Absolute. */
  workingDirectory: string;
}

type PutForPrefetch = 'wheels' | 'lock' | 'workingDirectory';

/** All that the verb `prefetch` needs to know, parsed and checked; the rest as the table describes it. */
export interface PrefetchSettings extends Omit<Values<'prefetch'>, PutForPrefetch> {
  /** What is wanted, and where it is pinned; absolute. */
  wheelsFile: string;
  lockFile: string;
  /** Absolute. */
  temporaryDirectory: string;
}
