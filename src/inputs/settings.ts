import type { Compression } from '../image/types.ts';

/** How Nix may be installed. */
export type InstallNix = 'auto' | 'release' | 'system' | 'none';

/** Which Nix to have, and from where. */
export interface NixSettings {
  installNix: InstallNix;
  /** For example "2.35.2"; undefined: the newest that is pinned. */
  nixVersion?: string | undefined;
  /** The tarball's address, or a folder's that has the official file names; also `file:`. */
  nixReleaseUrl?: string | undefined;
  /** Hex or SRI sha256 of the tarball; overrides the pinned table. */
  nixReleaseSha256?: string | undefined;
  acceptFlakeConfig: boolean;
}

/** Credentials for the registry, most specific first. */
export interface RegistryCredentials {
  /** Nothing is looked up anywhere else either: for code from a fork. */
  anonymous?: boolean | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Used on ghcr.io only, where nothing else is given. */
  githubToken?: string | undefined;
}

/** All that the verb `build` needs to know, parsed and checked. */
export interface BuildSettings {
  nix: NixSettings;
  /** Undefined: `.#comfyui`, else `.#default`. */
  flake?: string | undefined;
  /** Names of layers to build and time; empty: all. Never changes what the image holds. */
  layers: readonly string[];
  overrideInputs: readonly { input: string; flake: string }[];
  /** Absolute. */
  workingDirectory: string;
  /** Repository, `oci:DIR`, `docker-archive:FILE` or `-`; undefined: see `defaultImage`. */
  image?: string | undefined;
  /** What `image` is when nothing is given: an OCI layout named after the recipe, or a refusal. */
  defaultImage: 'oci-layout' | 'required';
  /** Bare tags or full references; empty: the recipe's tag. */
  tags: readonly string[];
  labels: Readonly<Record<string, string>>;
  /** Labels that an image made from a recipe has unless `labels` says otherwise. */
  repositoryLabels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  push: boolean;
  /** Why nothing is pushed, as a sentence; undefined when `push`. */
  pushRefusal?: string | undefined;
  /** False: the memory is read but never written (pull requests, forks). */
  writeMemory: boolean;
  credentials: RegistryCredentials;
  /** The flake is somebody else's code: what it builds is not run outside of the sandbox. */
  fromFork: boolean;
  compression: Compression;
  /** Bytes, uncompressed; a larger layer is split. */
  maxLayerSize: number;
  /** Whether known layers may be reused. */
  reuse: boolean;
  /** The memory's tag; undefined: `cache-<name>-<tag>-<arch>`. */
  cacheTag?: string | undefined;
  /** More references to learn from. */
  cacheFrom: readonly string[];
  /** Also realise targets that are not shipped. */
  allTargets: boolean;
  /** File for the record, absolute. */
  recordFile?: string | undefined;
  /** Where temporary files and garbage collection roots may be put, absolute. */
  temporaryDirectory: string;
}

/** All that the verb `copy` needs to know, parsed and checked. */
export interface CopySettings {
  /** A reference, `oci:DIR[:TAG]`, `docker-archive:FILE`, or a path. */
  source: string;
  destination: {
    /** Repository, `oci:DIR`, `docker-archive:FILE` or `-`. */
    image: string;
    /** Empty: those of the source, else `latest`. */
    tags: string[];
  };
  compression: Compression;
  credentials: RegistryCredentials;
  /** What is copied may be somebody else's code, and is not run. */
  fromFork: boolean;
  /** Absolute. */
  workingDirectory: string;
  /** Why nothing is copied, as a sentence: the destination is a registry, and this run may not push. */
  refusal?: string | undefined;
}
