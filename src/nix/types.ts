import type { Count } from '../host/events.ts';
import type { Host } from '../host/host.ts';
import type { ContainerConfig, ImageDirectory, ImageFolder } from '../image/types.ts';

/** A usable Nix: where its programs are, and the environment that they need. */
export interface Nix {
  /** Absolute folder of `nix`, `nix-store` …; they are run from here, whatever PATH says. */
  bin: string;
  /** For example "2.34.8". */
  version: string;
  /** `builtins.storeDir` of this Nix, normally /nix/store. */
  storeDir: string;
  /** The folder in which the store's files are, where that is not `storeDir`: a chroot store's. */
  place?: string;
  /**
   * Set for every Nix process: NIX_CONFIG (with nix-command and flakes enabled on top of what the
   * user had there), NIX_SSL_CERT_FILE where Nix was installed by us …
   */
  env: Readonly<Record<string, string>>;
  host: Host;
}

/** One output of one derivation, as evaluation knows it: nothing of it needs to exist yet. */
export interface DerivationOutput {
  drvPath: string;
  /** "out", "lib" … */
  outputName: string;
  outPath: string;
}

/** A layer of a recipe, as all kinds of them have it. */
interface NamedLayer {
  /** The layer's name, such as "layer3-pytorch"; unique in its recipe. */
  name: string;
  /** False: not shipped, never subtracted (downloads, for one). */
  image: boolean;
}

/** A layer that is made of one target, or one of the targets of a layer. */
export interface LayerTarget extends NamedLayer, DerivationOutput {}

/** A layer of several targets, which are reused one by one. There may be none: then it is left out. */
export interface LayerOfTargets extends NamedLayer {
  targets: readonly DerivationOutput[];
}

export type RecipeLayer = LayerTarget | LayerOfTargets;

/** An image as its final target describes it (`passthru.recipe` or `recipe`), validated. */
export interface Recipe {
  name: string;
  tag: string;
  layers: readonly RecipeLayer[];
  /** Their files appear at / as links into the store. */
  root: readonly DerivationOutput[];
  folders: readonly ImageFolder[];
  directories: readonly ImageDirectory[];
  config: ContainerConfig;
  /** Outputs that strings in `folders` and `config` refer to, from their context. */
  referredOutputs: readonly DerivationOutput[];
  /** Store paths in `folders` and `config` that are no outputs of a derivation (sources). */
  referredSources: readonly string[];
  /** RFC 3339, or "now". */
  created: string;
  /** What a job that builds the image is to know, for a workflow's matrix; no part of the image. */
  matrix?: Readonly<Record<string, string>>;
}

/** What the one evaluation says of a flake's target. */
export interface Evaluation {
  /** The installable that was evaluated, such as ".#comfyui". */
  installable: string;
  target: DerivationOutput & { name: string };
  /** Name and tag that dockerTools and nix2container give an image of their own. */
  imageName: string | undefined;
  imageTag: string | undefined;
  /** Nix's name of the system, such as "x86_64-linux". */
  system: string;
  /** Whether the flake's lock file has all of its inputs as they were used. */
  locked: boolean;
  /** Undefined: the target has no recipe; its built output is an image of some other kind. */
  recipe: Recipe | undefined;
  /** Absent unless it was asked for. */
  provenance?: Provenance;
}

/** What evaluation says of packages and their derivations do not: see `provenance.ts`. */
export interface Provenance {
  /** Derivations that are written outside of nixpkgs, or changed there. */
  own: ReadonlySet<string>;
  /** Derivations that are written in nixpkgs alone. */
  nixpkgs: ReadonlySet<string>;
  /** Derivations of packages whose licence is not free, with its name. */
  unfree: ReadonlyMap<string, string>;
}

/** A typed event of `--log-format internal-json`, stamped on arrival (`at`, ms since the epoch). */
export type NixEvent =
  | { type: 'build-start'; drvPath: string; machine: string; at: number }
  | { type: 'build-end'; drvPath: string; failed: boolean; at: number }
  | { type: 'build-log'; drvPath: string; line: string; at: number }
  | { type: 'substitute-start'; path: string; cache: string; at: number }
  /** `narSize`: bytes as a NAR, unpacked; absent where nothing of it came. */
  | { type: 'substitute-end'; path: string; narSize?: number; at: number }
  /** Sum over all downloads of this run, bytes. */
  | { type: 'download'; done: number; expected: number; at: number }
  /** Sums over all builds and substitutions of this run. */
  | { type: 'counts'; built: Count; fetched: Count; at: number }
  /** A wanted output is valid in the store (it was before, or has just become so). */
  | { type: 'output-valid'; outPath: string; at: number }
  | { type: 'message'; level: number; text: string; at: number };
