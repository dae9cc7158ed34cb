import type { ContainerConfig } from '../image/types.ts';
import type { Closure } from '../nix/closures.ts';
import type { Derivation } from '../nix/derivation.ts';
import type { Provenance } from '../nix/types.ts';
import { attributesOf, type DerivationFacts, type FactGraph } from './facts.ts';
import type { NameAndVersion } from './fetches.ts';
import { storePathsIn } from './store-paths.ts';

/** Name of the layer of what only root and config refer to, as builds call it. */
export const referencesLayer = 'references';

/** A layer of the image, or what becomes one. */
export interface AuditedLayer {
  name: string;
  /** False: it is built for others, and is no part of the image. */
  shipped: boolean;
  /** What builds it, and all that it is built from. */
  drvPaths: readonly string[];
  /** Derivations whose outputs it holds, with all that those refer to. */
  contents: readonly string[];
  /** Set for an image that is taken as others have made it, and on which this one is built. */
  taken?: NameAndVersion;
}

/** An image as the audit sees it; nothing of it needs to be built. */
export interface AuditSubject {
  /** The lowest first. */
  layers: readonly AuditedLayer[];
  config: ContainerConfig;
  /** False for an image that another tool makes, whose layers are not the host's. */
  hasRecipe: boolean;
  graph: FactGraph;
  /** Its `nixpkgs` holds what nixpkgs' packages are built from, too. */
  provenance: Provenance;
  /** The whole of those derivations that are not known to be a package of nixpkgs or what that is built from. */
  near: ReadonlyMap<string, Derivation>;
  /** The text of a file in the store, or of one that a derivation of `near` writes. */
  textOf(path: string): string | undefined;
}

/** Layer → its closure, for the layers that are in this store. */
export type LayerClosures = ReadonlyMap<string, Closure>;

/** Layer → the blobs that the registry has of it: what is known of a layer that is not in this store. */
export type LayerBlobs = ReadonlyMap<string, readonly SizedPaths[]>;

/** Store paths whose size is known together: one that the store knows, or those of a blob. */
export interface SizedPaths {
  paths: readonly string[];
  /** Bytes as a NAR or an uncompressed tar, which are about the same. */
  size: number;
}

/** What a derivation is to the audit. */
export type Kind =
  /** A fixed-output derivation: something that is downloaded. */
  | 'fetch'
  /** A package of nixpkgs: it has a name and a version, and is written there alone. */
  | 'nixpkgs'
  /** A package that is written elsewhere, or changed there. */
  | 'own'
  /** A package of which evaluation has not seen where it is written. */
  | 'unseen'
  /** A script, a text, a folder of links …: it has no version of its own. */
  | 'glue';

export function kindOf(
  drvPath: string,
  facts: DerivationFacts,
  { own, nixpkgs }: Provenance,
): Kind {
  if (facts.fetch !== undefined) return 'fetch';
  if (facts.pname === undefined || facts.version === undefined) return 'glue';
  if (own.has(drvPath)) return 'own';
  return nixpkgs.has(drvPath) ? 'nixpkgs' : 'unseen';
}

/** The inputs of a derivation that it may refer to when it is built; what it fetches is none. */
export function neededInputs(facts: DerivationFacts, graph: FactGraph): string[] {
  return inputsOf(facts, graph, (input, paths) => {
    return input.fetch === undefined && !paths.every(path => facts.tools.has(path));
  });
}

/** What a derivation fetches: inputs that are downloads. */
export function fetchedInputs(facts: DerivationFacts, graph: FactGraph): string[] {
  return inputsOf(facts, graph, input => input.fetch !== undefined);
}

/** The inputs whose outputs a text names. */
export function inputsIn(text: string, facts: DerivationFacts, graph: FactGraph): string[] {
  const named = new Set(storePathsIn(text));
  return named.size === 0
    ? []
    : inputsOf(facts, graph, (_, paths) => paths.some(path => named.has(path)));
}

function inputsOf(
  facts: DerivationFacts,
  graph: FactGraph,
  isWanted: (input: DerivationFacts, paths: readonly string[]) => boolean,
): string[] {
  const wanted: string[] = [];
  for (const [drvPath, names] of facts.inputDrvs) {
    const input = graph.get(drvPath);
    if (input === undefined) continue;
    const paths = names.map(name => input.outputs.get(name) ?? '');
    if (isWanted(input, paths)) wanted.push(drvPath);
  }
  return wanted;
}

/** The text that a derivation of nixpkgs' `writeText`, `writeShellScript` or `writers` writes. */
export function writtenText(derivation: Derivation): string | undefined {
  const attribute = attributesOf(derivation);
  return attribute('text') ?? attribute('content');
}
